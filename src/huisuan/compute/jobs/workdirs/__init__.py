"""Working directories that travel with jobs: packed, checked, stored, served in pieces."""
