"""Who gets what before and after a change of settings."""
