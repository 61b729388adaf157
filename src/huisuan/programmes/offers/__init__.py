"""Offers (免申即享): what a settlement owes is offered to each party, which confirms its account and nothing else.

`services` makes and confirms them; whether one still holds, `awards/offered.py` says to the steps of an application.
"""
