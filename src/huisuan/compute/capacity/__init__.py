"""What a centre says that it has, what is seen of it, and measured attestations."""
