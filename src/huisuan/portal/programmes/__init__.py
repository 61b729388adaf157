"""Pages of programmes: what waits for a post, an application with its acts, calls and offers, the treasury's books."""
