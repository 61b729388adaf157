"""Organisations, people, roles, regions and the relations between organisations.

Everything above rests on it. Public, by module: `models` (what is stored), `viewer` and `route_access` (who sees and
may call what), `api_errors` and `input_limits` (refusals and bounds of every API), `queries`, `party_state`,
`state_history` and `affiliation` (a party on a day, and whose it is), `acting_party`, `members`, `projects`,
`csv_import` and `relation_import`, and the modules of `identity` (sign-in). The inside is `models.*`, `dated_import`,
`regions` and `identity.sessions`; a contract in pyproject.toml keeps other rooms out. Nothing is re-exported here: it
is a Django app, whose package is imported before its models can be.
"""
