"""Pages of messages: one's inbox, and how one wants to be told."""
