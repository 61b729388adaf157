"""Between sockets and Django: the front, limits, bodies, errors."""
