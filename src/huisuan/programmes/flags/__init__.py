"""What somebody other than the checker looks at before an application moves on.

`found_between` finds what two applicants of a call share, `raised` stores it, `answered` is what the workflow asks.
"""
