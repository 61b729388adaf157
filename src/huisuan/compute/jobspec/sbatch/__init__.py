"""sbatch scripts as job requests."""
