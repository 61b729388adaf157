"""The HTTP API, assembled from each room's own api.py."""
