"""Budgets of firms and projects: what they limit, what is used and reserved of them, what they alert about.

Placement asks it for the room that is left and reserves in its own transaction (`reservations`); the pages, the API
and the statements read `standing`. For dispatch and everything above it; rests on the meter and the stored models.
"""
