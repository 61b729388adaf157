"""`huisuan project`: projects, their budgets and the firm's use, over HTTP."""
