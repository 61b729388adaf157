"""The list itself: read from the files of departments, checked, kept in versions, searched."""
