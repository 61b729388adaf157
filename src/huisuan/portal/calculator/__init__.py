"""The public calculator."""
