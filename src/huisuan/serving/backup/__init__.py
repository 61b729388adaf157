"""Backup and restore of a whole platform: one file, checked by hash, whole or not there."""
