"""Files of a job's runs: asked of the centre's agent, which answers with its next request; nothing is stored here.

A question waits in a table until the agent calls, its answer until it is read, both for minutes at most. Pages, the API
and the agent gateway use `requests`, `queries` and `streams`.
"""
