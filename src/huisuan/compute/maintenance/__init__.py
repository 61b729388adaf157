"""Maintenance windows: declared and cancelled by a centre's people, with what that means for the jobs there.

`services` change, `queries` read, `api` and `commands` are their faces. Placement reads windows by `centres.windows`
and never imports from here; the portal, `cli` and `api` do.
"""
