"""The Slurm engine shows what every engine must, on a real cluster: by commands, and by slurmrestd."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.slurm import SlurmEngine
from huisuan.testing.engine_conformance import Bench, EngineConformance


def bench_of(folder: Path, options: Mapping[str, str]) -> Bench:
    """An engine's bench on the cluster."""
    shut = folder / "shut" / "lease"  # its gates stay closed
    gate_of(shut, "x").parent.mkdir(parents=True)
    shut.write_text("99999999999")
    return Bench(
        lambda: SlurmEngine(folder / "jobs", options),
        {"partition": "a100", "local_card": "a100"},
        patience=90,
        waits={"lease_file": shut},
        lease=folder / "lease",
    )


class TestByCommands(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, by_commands: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Bench:
        return bench_of(tmp_path_factory.mktemp("commands"), by_commands)


class TestByRest(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, by_rest: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Bench:
        return bench_of(tmp_path_factory.mktemp("rest"), by_rest)
