"""The command line, assembled from each room's own commands."""
