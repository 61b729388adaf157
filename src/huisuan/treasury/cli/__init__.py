"""The treasury's commands."""
