"""Centres, accelerators, jobs, placement, engines, the site agent and metering."""
