"""Pages about issuers that lost their standing."""
