"""Readers: a file into blocks of rows and text, every part of it; what cannot be read is said, never left out silently.

They are told apart by what a file holds, not by how it is named. Limits are counted while reading; XML with a document
type is refused. They run in a child process (`caged`), for a parser may still be made to eat memory or never end.
"""
