"""What policy files are written with: declarations, articles and operators that build expressions."""
