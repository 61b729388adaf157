"""Placing waiting jobs for real: a snapshot of the database, one scheduling cycle, its results stored.

For `jobs`, the agent gateway, maintenance and tasks, by module: `scheduling_cycle.place_waiting` runs a cycle,
`snapshot.evaluate_now` judges one job as things stand, `pools.pools` says what is free where, `net_price` what comes
back of a price (settlement's forecast, too), `runtime_estimates.fit_runtime_model` learns from ended jobs. Nothing is
re-exported here: help of commands is shown before Django is set up, and importing a command imports this.
"""
