"""The typed HTTP client that the command line, scripts and the agent share."""
