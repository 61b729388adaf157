"""What counts how much, in dated sets: read from `weights.toml`, checked, chosen by the day."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from huisuan.base.errors import InvalidRequest, NotFound

Weight = Annotated[int, Field(ge=0, le=1_000)]
Points = Annotated[int, Field(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]


class _Declared(BaseModel):
    """Integers only: a score must be the same on every machine. An unknown name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Score(_Declared):
    """How much each part of a pool's score counts; a part is 1,000,000 when full."""

    start: Weight
    price: Weight
    distance: Weight
    fit: Weight
    fragmentation: Weight


class Scale(_Declared):
    """What makes a part full: seconds, fen per card-hour, TFLOPS, GiB; and parts that are the same for all (points)."""

    start_half_s: Positive
    price_fen: Positive
    price_unknown: Points
    same_city: Points
    elsewhere: Points
    tflops: Positive
    memory_gib: Positive


class Order(_Declared):
    """Whose work goes first: the most points that each reason gives, and the seconds in which it does."""

    half_life_s: Positive
    fair: Weight
    length: Weight
    deadline: Weight
    deadline_slack_s: Positive
    aging_s: Positive


def _by_number(table: object) -> object:
    """TOML knows keys as texts only."""
    if not isinstance(table, dict):
        return table
    return {int(key) if str(key).isdecimal() else key: value for key, value in table.items()}


class Weights(_Declared):
    """One dated set. `demand`: of 1,000 jobs, so many request for so many cards on a node."""

    name: str = Field(min_length=1, max_length=20)
    valid_from: date
    authority: str = Field(min_length=1)
    score: Score
    scale: Scale
    demand: Annotated[dict[int, Positive], BeforeValidator(_by_number)] = Field(min_length=1)
    order: Order


class _File(_Declared):
    weights: list[Weights] = Field(min_length=1)


@cache
def load_weights() -> tuple[Weights, ...]:
    """The sets that come with the package, oldest first."""
    return parse_weights("weights.toml", (files("huisuan.compute.placement") / "weights.toml").read_text("utf-8"))


def parse_weights(name: str, text: str) -> tuple[Weights, ...]:
    """The sets that a TOML text declares, oldest first.

    Raises:
        InvalidRequest: no TOML, a weight is missing, unknown, no integer or out of bounds, or two sets start on a day.
    """
    try:
        found = _File.model_validate(tomllib.loads(text)).weights
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{name}：不是 TOML：{error}", code="file.not_toml") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(
            f"{name}：{'.'.join(map(str, first['loc']))}：{first['msg']}", code="weights.malformed"
        ) from None
    days = [weights.valid_from for weights in found]
    if len(set(days)) < len(days) or len({weights.name for weights in found}) < len(found):
        raise InvalidRequest(f"{name}：两组权重的 name 或 valid_from 相同；请各取一个", code="weights.version_twice")
    return tuple(sorted(found, key=lambda weights: weights.valid_from))


def weights_on(day: date, known: Sequence[Weights] | None = None) -> Weights:
    """The set that holds on a day.

    Raises:
        NotFound: none had begun by then.
    """
    holding = [weights for weights in known or load_weights() if weights.valid_from <= day]
    if not holding:
        raise NotFound(
            f"{day} 还没有调度权重：最早的一组自 {(known or load_weights())[0].valid_from} 起", code="weights.none_yet"
        )
    return holding[-1]
