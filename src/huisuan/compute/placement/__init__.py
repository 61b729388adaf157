"""Which centre runs a job, in which order, and why: pure, used live and by the simulator.

`types` says what is known of pools, jobs and tenants, `weights` what counts how much; `plan.plan` decides on all that
waits, `consider.consider` looks at one job, `planner.Planner` goes on from pass to pass (the simulator).
"""
