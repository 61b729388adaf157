"""Pages of the registers of things: parks, products, scenarios, standards."""
