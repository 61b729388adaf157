"""How firm an entitlement is: what of it is sealed, what would change it; for pages, the API and `huisuan standing`."""
