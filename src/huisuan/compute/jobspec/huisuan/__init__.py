"""Our own job files."""
