"""The site agent: the process at a centre that speaks with the platform. No Django, no database but its own file."""
