"""The compute federation as the province, its cities and auditors see it: all centres on the map of the cities."""
