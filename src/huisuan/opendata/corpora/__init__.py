"""Corpora: the texts of released documents, cleaned, without duplicates, as JSONL and Parquet shards."""
