"""The web pages: one sub-folder per audience."""
