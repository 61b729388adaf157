"""Budgets of scenarios that somebody asks for: computed by the background worker over a sample, kept, shown again.

Rests on the law's budget; the pages import it, and the worker carries it out.
"""
