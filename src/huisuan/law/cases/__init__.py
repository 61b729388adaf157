"""Worked cases that a lawyer can read, run against the rules; and what they leave untried."""
