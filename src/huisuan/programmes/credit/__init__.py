"""The credit list: a dated register of what is held against parties, with source and effect, kept from files."""
