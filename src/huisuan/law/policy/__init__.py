"""A policy as a whole: loaded from its folder, with settings, scenarios, stacking and sources."""
