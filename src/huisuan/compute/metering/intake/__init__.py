"""Accounting files made usage records: read, judged, compared with what is stored."""
