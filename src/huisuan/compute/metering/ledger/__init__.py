"""The append-only ledger: hashes of records, Merkle trees, the chain of batches.

`record_hash`, `merkle` and `chain` are pure, for the platform and for auditors; `append` and `stored_records` are on
the database.
"""
