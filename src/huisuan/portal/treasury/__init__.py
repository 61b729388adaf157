"""Pages of the treasury: budget lines, payment orders, files for the bank and from it, statements."""
