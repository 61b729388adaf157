"""Calls, drafts of applications, evidence: an article put to work."""
