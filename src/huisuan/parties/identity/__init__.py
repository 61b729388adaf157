"""Who signs in and how: people, passwords, second factor, OpenID, tokens, sessions, throttling."""
