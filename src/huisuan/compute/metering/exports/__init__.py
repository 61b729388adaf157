"""What leaves the meter: usage as one Parquet file for settlement, the ledger as a folder for a verifier.

`settled_usage` is the columns that meter and settlement share, `usage_parquet` writes them, `evidence_bundle` the
folder.
"""
