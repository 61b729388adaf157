"""`usage import`: what `intake` makes of a file is stored, in one transaction."""
