"""Applications: drafts, evidence files and their checks."""
