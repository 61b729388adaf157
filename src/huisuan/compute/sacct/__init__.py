"""The agreement between whoever exports accounting from Slurm and whoever reads it."""
