"""The centres of a simulation: one pool of so many nodes, or a file that lists them."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from huisuan.base.errors import InvalidRequest, NotFound, Unavailable
from huisuan.compute.placement.types import City, PlacementTenant, Pool

POOL = re.compile(r"(\d{1,6})[x×](\d{1,4})", re.IGNORECASE)
ABLE = frozenset({"gang", "containers", "workdir"})
_MOST_NODES = 100_000


def _share(value: Any) -> Any:
    """A share as people write it: 20%, 1/5, 0.2."""
    if not isinstance(value, str):
        raise ValueError('应写成文字，如 "20%" 或 "1/5"')
    return Fraction(value[:-1]) / 100 if value.endswith("%") else Fraction(value)


_ShareField = Annotated[Fraction, BeforeValidator(_share), Field(ge=0, le=1)]
_CountField = Annotated[int, Field(ge=1, le=_MOST_NODES)]
_FenField = Annotated[int, Field(ge=0, le=10**15)]


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ListedPool(_Listed):
    """Cards of one model at one centre; what is left out of the card is in the catalogue."""

    code: str = Field(min_length=1)
    model: str = Field(min_length=1)
    nodes: _CountField
    cards_per_node: Annotated[int, Field(ge=1, le=1024)]
    city: str = ""
    price_fen: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    vendor: str | None = None
    memory_gib: Annotated[int, Field(ge=0)] | None = None
    tflops_fp16: Decimal | None = None


class ListedTenant(_Listed):
    """What is other than usual for a tenant of the trace."""

    code: str
    city: str = ""
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    most_cards: _CountField | None = None
    subsidy: _ShareField | None = None
    cap_fen: _FenField | None = None


class ListedCity(_Listed):
    """How many cards the tenants of a city may hold at once."""

    code: str
    most_cards: _CountField


class _File(_Listed):
    centres: tuple[ListedPool, ...] = Field(min_length=1)
    tenants: tuple[ListedTenant, ...] = ()
    cities: tuple[ListedCity, ...] = ()
    subsidy: _ShareField = Fraction(0)
    cap_fen: _FenField | None = None


@dataclass(frozen=True)
class World:
    """Where a trace is replayed. `subsidy`, `cap_fen`: for the tenants that are not listed."""

    pools: tuple[Pool, ...]
    tenants: tuple[PlacementTenant, ...] = ()
    cities: tuple[City, ...] = ()
    subsidy: Fraction = Fraction(0)
    cap_fen: int | None = None

    @property
    def cards(self) -> int:
        """Cards of all pools."""
        return sum(pool.cards for pool in self.pools)

    @property
    def priced(self) -> bool:
        """Whether any pool has a price."""
        return any(pool.fen_per_card_hour is not None for pool in self.pools)

    def tenant(self, code: str) -> PlacementTenant:
        """A tenant of the trace."""
        known = {tenant.code: tenant for tenant in self.tenants}
        return known.get(code) or PlacementTenant(code, subsidy=self.subsidy, remaining_fen=self.cap_fen)


def one_pool(text: str) -> World:
    """A world of one pool, such as 100x8: 100 nodes with 8 cards each.

    Raises:
        InvalidRequest: no such pool.
    """
    found = POOL.fullmatch(text.strip())
    if not found or not 0 < int(found[1]) <= _MOST_NODES or not 0 < int(found[2]) <= 1024:
        raise InvalidRequest(
            f'--pool: "{text}" 应写成 节点数x每节点卡数，如 100x8（节点至多 {_MOST_NODES:,}）',
            code="simulation.pool_malformed",
        )
    nodes, each = int(found[1]), int(found[2])
    return World((Pool("pool", "", "card", "", 0, Decimal(1), (*(0,) * each, nodes), None, True, ABLE),))


def read_world(path: Path) -> World:
    """The centres that a TOML file lists (docs/simulator.md).

    Raises:
        InvalidRequest: no TOML, a value is missing or out of bounds, or a pool is listed twice.
        NotFound: a model that is not in the catalogue and not described.
        Unavailable: the file cannot be read.
    """
    try:
        listed = _File.model_validate(tomllib.loads(path.read_text("utf-8")), strict=False)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unavailable(f"{path.name}：读不出来：{error}", code="file.unreadable") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(
            f"{path.name}：{'.'.join(map(str, first['loc']))}：{first['msg']}", code="simulation.cluster_malformed"
        ) from None
    keys = [(centre.code, centre.model) for centre in listed.centres]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise InvalidRequest(
            f"{path.name}：中心 {twice[0]} 的 {twice[1]} 列了两次；请合并", code="simulation.model_twice"
        )
    tenants = tuple(
        PlacementTenant(
            tenant.code,
            tenant.city,
            tenant.weight,
            most_cards=tenant.most_cards,
            subsidy=listed.subsidy if tenant.subsidy is None else tenant.subsidy,
            remaining_fen=listed.cap_fen if tenant.cap_fen is None else tenant.cap_fen,
        )
        for tenant in listed.tenants
    )
    cities = tuple(City(city.code, city.most_cards) for city in listed.cities)
    return World(_pools(path.name, listed.centres), tenants, cities, listed.subsidy, listed.cap_fen)


def _pools(name: str, listed: Sequence[ListedPool]) -> tuple[Pool, ...]:
    catalogue = _catalogue()
    pools = []
    for listed_pool in listed:
        card = catalogue.get(listed_pool.model.lower())
        if card is None and None in (listed_pool.memory_gib, listed_pool.tflops_fp16):
            raise NotFound(
                f"{name}：型号 {listed_pool.model} 不在加速卡目录中；请写明 memory_gib 与 tflops_fp16",
                code="accelerator.unknown",
            )
        known = card or {}
        pools.append(
            Pool(
                listed_pool.code,
                listed_pool.city,
                known.get("model", listed_pool.model),
                listed_pool.vendor or known.get("vendor", ""),
                int(known["memory_gib"]) if listed_pool.memory_gib is None else listed_pool.memory_gib,
                Decimal(known["tflops_fp16"]) if listed_pool.tflops_fp16 is None else listed_pool.tflops_fp16,
                (*(0,) * listed_pool.cards_per_node, listed_pool.nodes),
                listed_pool.price_fen,
                True,
                ABLE,
            )
        )
    return tuple(pools)


def _catalogue() -> dict[str, dict[str, str]]:
    with (files("huisuan.compute.accelerators") / "accelerators.csv").open(encoding="utf-8") as file:
        return {row["model"].lower(): row for row in csv.DictReader(file)}
