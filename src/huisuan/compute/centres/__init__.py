"""Compute centres and their tariffs."""
