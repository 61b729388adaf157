"""Jobs from submission to their end: services, lifecycle, queries, the API."""
