"""Requests for data that is not on the list: asked by firms, answered by cities and the province within working days.

An answer is an entry of the list, a class with its ground, or a plan with a day. What is not answered in time, and a
plan whose day has passed, counts against the office that was asked.
"""
