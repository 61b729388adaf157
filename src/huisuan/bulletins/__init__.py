"""Bulletins: what is published of other rooms' figures, from frozen snapshots, so that no single firm can be read out.

Stands above the programmes, reads other rooms through their queries, and owns no fact but its snapshots and issues.
"""
