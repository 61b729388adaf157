"""Templates of offices, by which the DOCX of their bulletins is made: given, numbered, never changed."""
