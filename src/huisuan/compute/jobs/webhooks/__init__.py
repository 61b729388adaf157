"""Telling that a job moved on or ended: a submitter's own address, and the messages of who submitted it."""
