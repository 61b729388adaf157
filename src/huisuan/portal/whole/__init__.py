"""A party, a city, an office, an expert, a budget line on one page each, with all that happened, in time."""
