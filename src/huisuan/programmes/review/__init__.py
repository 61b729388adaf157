"""Expert review: the pool, the draw of panels, score sheets, and the decision sheet of a call.

`draw`, `assignment`, `scores` and `ranking` are pure (no database, no clock); the draw's optimum is found by HiGHS and
checked in whole numbers. Portal, API and command line import the services and queries; nothing below programmes does.
"""
