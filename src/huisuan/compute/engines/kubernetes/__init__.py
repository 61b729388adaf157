"""The Kubernetes engine: every run a batch Job of its name, through the API server alone (extra `kubernetes`).

How far it was proven, and what an operator sets: docs/for-centres.md.
"""

from huisuan.compute.engines.kubernetes.engine import KubernetesEngine

__all__ = ["KubernetesEngine"]
