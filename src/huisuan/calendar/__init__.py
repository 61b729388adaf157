"""Working days: which days the State Council made free or working, and when a number of them has passed.

`counting` is pure; `official` knows the published years; `services` adopts what the province is told of later years.
A year that nobody published is never guessed. Due dates of programmes and of answers to requests for open data rest on
this room.
"""
