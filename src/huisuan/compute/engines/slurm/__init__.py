"""The Slurm engine: a centre's jobs through its own Slurm, by slurmrestd where there is one, else by commands.

Proven on a real Slurm 22.05 (tests/system/slurm). What an operator sets: docs/for-centres.md.
"""

from huisuan.compute.engines.slurm.engine import SlurmEngine

__all__ = ["SlurmEngine"]
