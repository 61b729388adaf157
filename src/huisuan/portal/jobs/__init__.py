"""Pages of jobs: list, details, cost, log, submission."""
