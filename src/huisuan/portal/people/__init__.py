"""What an operator manages: who may sign in, and as whom."""
