"""What the models of all rooms share. Needs Django and pgtrigger."""
