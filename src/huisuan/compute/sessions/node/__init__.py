"""What runs beside the session's program on its node: standard library only, Python 3.8 or later.

The modules are put together into the job's one script (`compute/sessions/node_script.py`). `frames` and `streams` are
the relay's, too: both ends of a tunnel speak through the same code.
"""
