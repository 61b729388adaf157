"""What the list and its files are, in other people's words: DCAT, Croissant and Table Schema. Only what is public."""
