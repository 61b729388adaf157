"""The desk of those who check: flags read and answered, an application checked and what was found read again.

Above the workflow; pages, API and command line import it.
"""
