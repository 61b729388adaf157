"""The files of runs at a centre: looked at for the platform, and results kept for their days.

A run's files are its user's, who may be hostile: nothing is opened through a link, nothing but a regular file is read.
The agent's loop and reconciler use this room; nobody else does.
"""
