"""A bulletin from a frozen snapshot, as PDF, DOCX and HTML: the same bytes each time, which anybody can prove."""
