"""The platform's signing key."""
