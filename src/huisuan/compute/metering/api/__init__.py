"""The HTTP API of usage and seals."""
