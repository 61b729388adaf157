"""Jobs as processes of this machine."""

from __future__ import annotations

from huisuan.compute.engines.local.engine import LocalEngine

__all__ = ["LocalEngine"]
