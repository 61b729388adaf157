"""A year of all programmes: money against budget, time against its figure, what is overdue, what came back."""
