"""Running the platform: where it lives on disk, its PostgreSQL, Django's settings, and `huisuan up`."""
