"""The relay: a process of the platform between browsers and the tunnels that agents open to it.

It holds no state that a restart must not lose: agents dial again, cookies are rows of the database. Imported by
serving.
"""
