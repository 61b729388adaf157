"""From accounting files to usage records: reading, converting, comparing with what is stored, slicing."""
