"""The contract between the export of Slurm's accounting and its parser."""
