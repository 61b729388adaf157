"""What a policy costs: budgets over many claims, allotment, comparison of two states of the law."""
