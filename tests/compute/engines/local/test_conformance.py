"""The local engine shows what every engine must."""

from __future__ import annotations

import pytest

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.local import LocalEngine
from huisuan.testing.engine_conformance import Bench, EngineConformance


class TestLocal(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, tmp_path_factory: pytest.TempPathFactory) -> Bench:
        folder = tmp_path_factory.mktemp("local")
        shut = folder / "shut" / "lease"  # its gates stay closed
        gate_of(shut, "x").parent.mkdir(parents=True)
        shut.write_text("99999999999")
        options = {"slots": "32", "grace_seconds": "0.5"}
        return Bench(
            lambda: LocalEngine(folder / "jobs", options), {}, waits={"lease_file": shut}, lease=folder / "lease"
        )
