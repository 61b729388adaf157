"""Bulletins in the database: drafted, reviewed by another person, issued with a signature, corrected by a new one."""
