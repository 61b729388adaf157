"""Job files as people already have them, read into one request. Pure: no database, no web, no clock."""
