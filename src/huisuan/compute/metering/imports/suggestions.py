"""Whose an unclaimed account may be: a suggestion for a person to confirm, never a mapping by itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from huisuan.compute.metering.usage.unclaimed import list_unclaimed_usage
from huisuan.compute.models import Centre, Tenant
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer

_LIKE = 0.62  # of difflib's ratio: below it, names of one trade ("... computing") look alike
_WORD = 4  # letters of a word that two names share
_MOST = 3  # for an account
_COMPARED = 200  # accounts whose names are compared: the ones with the largest use
_COMMON = re.compile(
    r"有限公司|有限责任公司|股份|集团|公司|科技|技术|安徽省?|合肥市?|中国|大学|研究院|研究所|\b(?:co|ltd|inc|the|of|and)\b"
)
_SIGNS = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Suggestion:
    """A party and why: `elsewhere` (another centre maps the name so), `uscc` (in the name), `likeness` (0 to 1)."""

    party: Party
    why: str
    likeness: float = 1.0


@dataclass(frozen=True)
class UnclaimedAccount:
    """An account, or a user who has none, with its use (card-seconds) and whose it may be, the best guess first."""

    centre: str
    kind: str
    name: str
    records: int
    card_seconds: int
    suggestions: Sequence[Suggestion] = ()


def suggest_claims(viewer: Viewer, code: str | None = None) -> list[UnclaimedAccount]:
    """The unclaimed accounts of a centre, or of all that the viewer sees inside, each with what it may be.

    The largest use comes first.

    Who maps a name at a centre that the viewer does not see inside is not said: it tells whose customer a firm is.

    Raises:
        NotFound: no such centre.
    """
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    seen = set(Centre.objects.filter(viewer.centres()).values_list("code", flat=True))
    for row in list_unclaimed_usage(code):
        if row["centre"] not in seen:
            continue
        kind = Tenant.Kind.ACCOUNT if row["account"] else Tenant.Kind.USER
        counted = sums[row["centre"], str(kind), row["account"] or row["user"]]
        counted[0] += row["records"]
        counted[1] += row["card_seconds"]
    ordered = sorted(sums.items(), key=lambda each: (-each[1][1], each[0]))
    mapped = _mapped_elsewhere(viewer, {name for _, _, name in sums})
    parties = [(party, _names(party)) for party in Party.objects.order_by("uscc")] if sums else []
    return [
        UnclaimedAccount(
            centre, kind, name, records, seconds,
            _suggestions(name, mapped.get(name, []), parties if number < _COMPARED else []),
        )
        for number, ((centre, kind, name), (records, seconds)) in enumerate(ordered)
    ]  # fmt: skip


def _mapped_elsewhere(viewer: Viewer, names: set[str]) -> dict[str, list[Party]]:
    found: dict[str, list[Party]] = defaultdict(list)
    for tenant in (
        Tenant.objects.filter(viewer.centres("centre"), name__in=names).select_related("party").order_by("party__uscc")
    ):
        if tenant.party not in found[tenant.name]:
            found[tenant.name].append(tenant.party)
    return found


def _suggestions(
    name: str, elsewhere: Sequence[Party], parties: Sequence[tuple[Party, Sequence[str]]]
) -> list[Suggestion]:
    found = [Suggestion(party, "elsewhere") for party in elsewhere]
    given = _plain(name)
    alike = []
    for party, names in parties:
        if party in elsewhere:
            continue
        if party.uscc.lower() in name.lower():
            found.append(Suggestion(party, "uscc"))
            continue
        likeness = max((_likeness(given, each) for each in names), default=0.0)
        if likeness >= _LIKE:
            alike.append(Suggestion(party, "likeness", likeness))
    alike.sort(key=lambda each: (-each.likeness, each.party.uscc))
    return [*found, *alike][:_MOST]


def _likeness(given: str, name: str) -> float:
    if not given or not name:
        return 0.0
    theirs = set(name.split())
    if any(len(word) >= _WORD and word in theirs for word in given.split()):  # alpha-nlp, Alpha Intelligence
        return 0.9
    matcher = SequenceMatcher(None, given, name, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _LIKE and matcher.quick_ratio() >= _LIKE else 0.0


def _names(party: Party) -> list[str]:
    return [plain for plain in (_plain(party.name), _plain(party.name_en)) if plain]


def _plain(name: str) -> str:
    """The words of a name without what many have in common, in small letters."""
    return " ".join(_SIGNS.sub(" ", _COMMON.sub(" ", name.lower())).split())
