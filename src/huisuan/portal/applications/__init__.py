"""Pages of applications and their drafts."""
