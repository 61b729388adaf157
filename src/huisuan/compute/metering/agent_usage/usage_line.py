"""What an agent's usage line says. The same reading for who meters it and for who checks it years later. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from huisuan.compute.metering.ledger.chain import epoch_microseconds
from huisuan.protocol.agent import UsageLine


class UsageLineFields(TypedDict):
    """A `UsageLine` as a dictionary, its times still in words: a third of the time that the model takes to make."""

    uid: str
    run: int
    lease: int
    slice: int
    corrects: bool
    nodes: str
    node_count: int
    local_card: str
    cards: int
    started_at: str
    ended_at: str
    suspended_seconds: int
    state: str
    exit_code: int | None


def _fast_validator() -> Callable[[str], UsageLineFields]:
    """A reader with the rules of UsageLine, but for its times; every field has to be there."""
    fields: dict[str, Any] = {
        name: str if name in ("started_at", "ended_at") else Annotated[rule.annotation, *rule.metadata or [Field()]]
        for name, rule in UsageLine.model_fields.items()
    }
    kind = TypedDict("kind", fields)  # type: ignore[misc]
    kind.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return cast("Callable[[str], UsageLineFields]", TypeAdapter(kind).validator.validate_json)


validate_fast = _fast_validator()
AWARE_TIME = TypeAdapter(AwareDatetime)


def parse_usage_line(raw: str) -> UsageLineFields | str:
    """What a line says, or in words why it is none."""
    try:
        fields = validate_fast(raw)
    except ValidationError:
        return _validate_with_model(raw)
    del fields["measured"]  # type: ignore[typeddict-item]  # nothing is metered by it
    return fields


def _validate_with_model(raw: str) -> UsageLineFields | str:
    try:  # fields that it leaves to their defaults; or the reason, in the model's own words
        return cast(UsageLineFields, UsageLine.model_validate_json(raw).model_dump(mode="json"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"用量行格式不对：{'.'.join(map(str, first['loc']))} {first['msg']}"


@lru_cache(maxsize=1 << 16)  # slices end at full hours: most times come many times
def epoch_second(text: str) -> int | None:
    """UTC seconds since the epoch; None for a time without zone, or between two seconds."""
    try:
        moment: datetime = AWARE_TIME.validate_python(text)
    except ValidationError:
        return None
    whole, rest = divmod(epoch_microseconds(moment), 1_000_000)
    return None if rest else whole
