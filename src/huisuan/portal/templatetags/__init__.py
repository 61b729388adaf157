"""Template tags: figures with their units, the chain, words."""
