"""What anyone may see without signing in: the settled use in sums, as a page and as open files."""
