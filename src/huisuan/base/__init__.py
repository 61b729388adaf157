"""What every room stands on: paths of the home, time zones, Slurm durations, large files. No Django, no other room."""
