"""The Ray engine shows what every engine must, on a real Ray, agent and nodes sharing a folder."""

from __future__ import annotations

import pytest

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.ray import RayEngine
from huisuan.testing.engine_conformance import Bench, EngineConformance
from support.ray_cluster import CARD, RayCluster


class TestRay(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, ray: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Bench:
        folder = tmp_path_factory.mktemp("shared")
        shut = folder / "shut" / "lease"  # its gates stay closed
        gate_of(shut, "x").parent.mkdir(parents=True)
        shut.write_text("99999999999")
        options = {"address": ray.address, "token_file": str(ray.token_file), "shared": "yes", "grace_seconds": "1"}
        return Bench(
            lambda: RayEngine(folder / "jobs", options),
            {"local_card": CARD},
            patience=120,
            waits={"lease_file": shut},
            lease=folder / "lease",
        )
