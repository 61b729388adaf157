"""What all engines share: the start gate, the runner, the journal of runs."""
