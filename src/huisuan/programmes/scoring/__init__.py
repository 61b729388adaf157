"""What the experts of a panel do: open a file, recuse themselves, send their sheets; and what the sheets come to.

Below the workflow, whose conditions ask here whether a panel has scored; whoever acts by a post does so above it.
"""
