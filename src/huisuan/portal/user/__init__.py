"""Pages about what belongs to a compute user: jobs, usage, bills, entitlements. Overseers read them too."""
