"""Pages for those who oversee: city, province, audit."""
