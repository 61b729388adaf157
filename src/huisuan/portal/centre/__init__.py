"""Pages about compute centres: capacity, tariffs, records, source files, unclaimed usage."""
