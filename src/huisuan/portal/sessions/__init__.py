"""Pages of interactive sessions: start, enter, end."""
