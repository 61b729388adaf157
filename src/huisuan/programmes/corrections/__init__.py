"""What happens where an amount turns out to be another: re-based while unpaid, supplemented or taken back once paid.

A later settlement changes nothing by itself: `outdated` shows what differs and by which use, and persons with posts
act: the office re-bases, the treasury commits again and receives what comes back. `recover` and `recovered` are steps
of the application: `awards/recovering.py`.
"""
