"""Placement: which centre runs a job, in which order, and why. Pure: used live by `dispatch` and by the simulator.

`types`: pools, jobs, tenants and the codes of the results; `weights`: what counts how much. `plan.plan` decides on all
waiting jobs, `evaluate.evaluate_pools` evaluates the pools for one job, `scheduler.Scheduler` goes on from cycle to
cycle (the simulator). Results are codes and figures; `messages` renders them. Sub-rooms: `nodes`, `prediction`.
"""
