"""The process at a centre: calls the platform, reconciles the runs there, reports their usage. No Django, no database.

Started by `huisuan agent run`, and by `serving` on a platform's own machine. Other rooms import its modules `config`,
`process`, `state` and `commands` only.
"""
