"""The peer of bench/law.py: sentence 2.2 in OpenFisca-core, in an environment and a process of its own.

Reads one JSON request a line, answers with one JSON line. Written as OpenFisca's users write: one entity, float32
amounts in yuan, the rate as a dated parameter, conditions as a `where`. Importing OpenFisca is not measured.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from openfisca_core.entities import build_entity
from openfisca_core.indexed_enums import Enum
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

Spent = tuple[float, float]  # seconds by the clock, seconds of processor time

YEAR = "2024"
User = build_entity(key="user", plural="users", label="compute user", is_person=True)


class Kind(Enum):  # type: ignore[misc]
    enterprise = "enterprise"
    university = "university"
    institute = "institute"
    other = "other"


KINDS = [kind.name for kind in Kind]


class in_anhui(Variable):  # noqa: N801
    value_type = bool
    entity = User
    definition_period = DateUnit.YEAR


class kind(Variable):  # noqa: N801
    value_type = Enum
    possible_values = Kind
    default_value = Kind.other
    entity = User
    definition_period = DateUnit.YEAR


class spend(Variable):  # noqa: N801
    value_type = float
    entity = User
    definition_period = DateUnit.YEAR


class self_use(Variable):  # noqa: N801
    value_type = float
    entity = User
    definition_period = DateUnit.YEAR


class subsidy(Variable):  # noqa: N801
    value_type = float
    entity = User
    definition_period = DateUnit.YEAR

    def formula(user, period, parameters):  # noqa: ANN001, ANN201, N805
        eligible = user("in_anhui", period) * (user("kind", period) != Kind.other)
        countable = np.maximum(user("spend", period) - user("self_use", period), 0)
        return np.where(eligible, parameters(period).rate * countable, 0)


def system() -> Any:
    """The tax and benefit system with its one parameter."""
    rules = TaxBenefitSystem([User])
    rules.add_variables(in_anhui, kind, spend, self_use, subsidy)
    rules.parameters = ParameterNode("", data={"rate": {"values": {"2023-10-12": {"value": 0.2}}}})
    return rules


def read(path: str) -> dict[str, Any]:
    """Facts as arrays; OpenFisca has no missing value, so a missing one takes OpenFisca's default."""
    table = pq.read_table(path, read_dictionary=["kind"])
    kinds = table["kind"].combine_chunks()
    codes = pc.index_in(kinds.dictionary, pa.array(KINDS))
    return {
        "in_anhui": pc.fill_null(table["in_anhui"], False).to_numpy(),
        "kind": pc.fill_null(pc.take(codes, kinds.indices), KINDS.index("other")).to_numpy(zero_copy_only=False),
        "spend": pc.fill_null(table["spend"], 0).to_numpy() / 100,
        "self_use": pc.fill_null(table["self_use"], 0).to_numpy() / 100,
    }


def calculate(facts: dict[str, Any]) -> Any:
    """Build system and simulation, put the arrays in, calculate."""
    rules = system()
    simulation = SimulationBuilder().build_default_simulation(rules, count=len(facts["spend"]))
    for name, values in facts.items():
        simulation.set_input(name, YEAR, values)
    return simulation.calculate("subsidy", YEAR)


def write(amounts: Any, path: str) -> None:
    """Amounts in yuan as OpenFisca gives them."""
    pq.write_table(pa.table({"amount_yuan": amounts}), path, compression="snappy")


def _clocks() -> Spent:
    return time.perf_counter(), time.process_time()


def _since(start: Spent) -> Spent:
    now = _clocks()
    return now[0] - start[0], now[1] - start[1]


def from_arrays(request: dict[str, Any], kept: dict[str, Any]) -> Spent:
    """What is spent from arrays in memory to an array in memory."""
    if request["input"] not in kept:
        kept.clear()
        kept[request["input"]] = read(request["input"])
    start = _clocks()
    amounts = calculate(kept[request["input"]])
    spent = _since(start)
    write(amounts, request["output"])
    return spent


def from_file(request: dict[str, Any], kept: dict[str, Any]) -> Spent:
    """What is spent from Parquet to Parquet (the amount only)."""
    kept.clear()
    start = _clocks()
    write(calculate(read(request["input"])), request["output"])
    return _since(start)


def from_json(request: dict[str, Any], kept: dict[str, Any]) -> Spent:
    """What is spent from the form of its web API (parsed already) to an array in memory."""
    if not kept.get("json"):
        facts = read(request["input"])
        columns = zip(*(facts[name].tolist() for name in ("in_anhui", "kind", "spend", "self_use")), strict=True)
        kept["json"] = {
            str(at): {
                "in_anhui": {YEAR: here}, "kind": {YEAR: KINDS[code]}, "spend": {YEAR: spent}, "self_use": {YEAR: own},
            }
            for at, (here, code, spent, own) in enumerate(columns)
        }  # fmt: skip
    start = _clocks()
    simulation = SimulationBuilder().build_from_entities(system(), {"users": kept["json"]})
    amounts = simulation.calculate("subsidy", YEAR)
    spent = _since(start)
    write(amounts, request["output"])
    return spent


def main() -> None:
    """Serve until standard input ends."""
    ways = {"arrays": from_arrays, "file": from_file, "json": from_json}
    kept: dict[str, Any] = {}
    print(json.dumps({"openfisca-core": version("openfisca-core"), "numpy": version("numpy")}), flush=True)
    for words in sys.stdin:
        request = json.loads(words)
        print(json.dumps({"spent": ways[request["way"]](request, kept)}), flush=True)


if __name__ == "__main__":
    main()
