"""Usage -> bill -> yearly spend -> entitlement, at the scale of a province."""
