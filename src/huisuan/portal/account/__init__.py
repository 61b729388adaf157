"""What everybody manages themselves: password, second factor, tokens, sessions."""
