"""Pages of bills and entitlements."""
