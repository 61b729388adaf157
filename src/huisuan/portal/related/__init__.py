"""Lists of what belongs to one thing: its claims, debts, documents, flags, experts, posts."""
