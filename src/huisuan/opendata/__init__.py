"""The list of the government's open data (sentence 3.1): what there is, on which terms, by whom, in which version.

It rests on parties, compute and law, stands beside settlement, and decides on no application: programmes call it.
"""
