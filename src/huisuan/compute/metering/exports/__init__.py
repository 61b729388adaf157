"""What leaves the meter: usage as Parquet, bundles of evidence."""
