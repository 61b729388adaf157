"""The law on pages: policies, quotations, reasoning."""
