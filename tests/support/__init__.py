"""What tests of several rooms build on: worlds, clusters, records, forgeries."""
