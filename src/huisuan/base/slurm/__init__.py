"""What Slurm writes, read: durations and states."""
