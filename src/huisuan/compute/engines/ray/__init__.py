"""The Ray engine: a centre's jobs through Ray's own Jobs API, by HTTP alone; no Ray is installed with the agent.

Proven on a real Ray 2.60 (tests/system/ray). What an operator sets: docs/for-centres.md.
"""

from huisuan.compute.engines.ray.engine import RayEngine

__all__ = ["RayEngine"]
