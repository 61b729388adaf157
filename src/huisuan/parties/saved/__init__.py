"""What people keep for themselves and their offices: filters of lists."""
