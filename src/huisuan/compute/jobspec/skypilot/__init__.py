"""SkyPilot tasks as job requests."""
