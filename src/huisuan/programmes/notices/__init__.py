"""What persons do with public notices: publish one, object to a line of it, answer an objection, read them.

Above the workflow: publishing and upholding are acts on applications. Pages, API and command line import it.
"""
