"""Centres, their partitions and their tariffs.

`services` and `tariffs` change, `queries` reads, `online` says whether a centre's agent called lately. Rests on
accelerators, engines and parties.
"""
