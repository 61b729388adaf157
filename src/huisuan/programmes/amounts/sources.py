"""Where the amount of an application comes from that nobody types: what notices show and decisions grant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from huisuan.programmes.awards.offered import offered_amounts
from huisuan.programmes.models import Application

#: each answers in fen by application, for those that it computes
AMOUNT_SOURCES: tuple[Callable[[Sequence[Application]], Mapping[int, int]], ...] = (offered_amounts,)


def computed_amounts(applications: Sequence[Application]) -> dict[int, int]:
    """What is computed for some applications, in fen."""
    return {pk: fen for source in AMOUNT_SOURCES for pk, fen in source(applications).items()}
