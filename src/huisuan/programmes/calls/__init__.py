"""Calls for applications: opened, amended, extended, listed; and how a draft becomes an application under one.

Above the workflow; pages, API and command line import it.
"""
