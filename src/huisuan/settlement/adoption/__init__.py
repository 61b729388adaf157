"""How settings come into force: proposed, compared, adopted by another person, kept for good."""
