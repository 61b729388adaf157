"""Appeals against what a bulletin says of an office: made and answered within working days, then a correction."""
