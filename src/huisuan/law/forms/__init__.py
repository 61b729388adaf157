"""What follows from an article's facts without being written again: schema, templates, reading what was filled in."""
