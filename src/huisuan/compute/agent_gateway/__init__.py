"""The platform's side of the agents: enrolment, the one exchange, the desired state of a centre.

The web server mounts `api`, the CLI `commands`; `serving` invites its own agent by `enrolment`, and the minutely task
records the day's capacity by `node_inventory`. The rest is private to this room.
"""
