"""Telling a submitter's own address that a job ended."""
