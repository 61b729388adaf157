"""How open each department and city is: yes/no criteria with whole points, each opened down to its entries."""
