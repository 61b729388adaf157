"""Placement: which centre runs a job, in which order, and why. Pure: used live by `dispatch` and by the simulator.

Public, by module: `types` (pools, jobs, tenants, the codes of results), `weights` and `scheduling_rules` (what counts
how much, what is switched on), `plan.plan` (decides on all waiting jobs), `decisions` (its results),
`evaluate.evaluate_pools` (the pools for one job), `scheduler.Scheduler` (goes on from cycle to cycle: the simulator),
`fair_share`, `messages` (renders results, which are codes and figures), and the faces of the sub-rooms `nodes` and
`prediction`. All others are the inside; a contract in pyproject.toml keeps other rooms out of it.
"""
