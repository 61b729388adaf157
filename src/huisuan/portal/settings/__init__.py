"""Pages of settings, proposals and their impact."""
