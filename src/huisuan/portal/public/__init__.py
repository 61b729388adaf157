"""Pages for everyone, signed in or not: sign-in, the policies."""
