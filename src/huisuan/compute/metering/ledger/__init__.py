"""The append-only ledger: records, their hashes, chains and Merkle trees."""
