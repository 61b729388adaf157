"""Long work asked of the background worker from a page, settling and sealing: its progress, its cancelling."""
