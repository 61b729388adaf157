"""Sign-in: people and their positions, passwords, second factor, OpenID Connect, tokens, rate limits, audit trail.

For parties itself, the account and people pages of the portal, and serving. Needs Django; `oidc` and `second_factor`
load libraries of their own, so callers import the module that they need.
"""
