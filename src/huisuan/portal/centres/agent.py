"""Who speaks for a centre: its agent's heartbeat, version, abilities with their reasons, clock and key; former keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.compute.centres.online import is_online
from huisuan.compute.models import AgentKey, Centre, Invitation, SiteAgent
from huisuan.portal.ui.state_labels import ABILITY, Word

SKEW_SHOWN_MS = 1000  # a clock that differs by more is worth a look: leases are counted in seconds


@dataclass(frozen=True)
class Able:
    """Something that an engine can or cannot do, and why."""

    label: str | Promise
    word: Word
    why: str


@dataclass(frozen=True)
class Speaker:
    """The agent of a centre as its page shows it; `serving` None: none ever did."""

    serving: SiteAgent | None
    online: bool
    abilities: Sequence[Able]
    keys: Sequence[tuple[AgentKey, Word]]
    invited: Sequence[Invitation]
    health: Sequence[tuple[str, Word, str]] = ()

    @property
    def ill(self) -> int:
        """How many checks of its last self-check are not well."""
        return sum(word.tone == "bad" for _what, word, _remedy in self.health)

    @property
    def health_awaited(self) -> bool:
        """Whether somebody asked for a self-check that has not come yet."""
        held = self.serving
        return (
            held is not None
            and held.health_asked_at is not None
            and (held.health_at is None or held.health_asked_at > held.health_at)
        )

    @property
    def mistimed(self) -> Sequence[tuple[AgentKey, str, int]]:
        """Agents that are not served because their clock is wrong, with by how many seconds, and which way."""
        return [
            (key, f"{abs(key.skew_ms or 0) // 1000:,}", 1 if (key.skew_ms or 0) > 0 else -1)
            for key, _word in self.keys
            if key.clock_wrong_at is not None and key.revoked_at is None
        ]

    @property
    def word(self) -> Word:
        """How it stands, in a word."""
        if self.serving is None:
            return Word(_("没有加入"), "plain")
        return Word(_("在线"), "good") if self.online else Word(_("失联"), "bad")

    @property
    def skewed(self) -> bool:
        """Whether its clock differs so much that somebody should look."""
        return self.serving is not None and abs(self.serving.skew_ms) > SKEW_SHOWN_MS

    @property
    def skew(self) -> str:
        """Its clock against the platform's, with its sign."""
        return f"{self.serving.skew_ms:+,}" if self.serving else ""


def speaker(centre: Centre, now: datetime) -> Speaker:
    """Who speaks for a centre."""
    serving: SiteAgent | None = getattr(centre, "agent", None)
    abilities = [
        Able(ABILITY.get(flag, flag), Word(_("能"), "good") if able else Word(_("不能"), "wait"), why)
        for flag, (able, why) in (serving.capabilities if serving else {}).items()
    ]
    keys = AgentKey.objects.filter(centre=centre).order_by("-enrolled_at")
    invited = Invitation.objects.filter(centre=centre, used_at__isnull=True, expires_at__gt=now).order_by("expires_at")
    return Speaker(
        serving,
        serving is not None and is_online(centre, now),
        abilities,
        [(key, _stands(key, serving)) for key in keys],
        list(invited),
        _health(serving) if serving else (),
    )


def _health(serving: SiteAgent) -> list[tuple[str, Word, str]]:
    """What was checked, how it is, and the remedy; what is not well first."""
    rows = sorted(serving.health, key=lambda check: bool(check["well"]))
    return [
        (check["what"], Word(_("好"), "good") if check["well"] else Word(_("要处理"), "bad"), check["remedy"])
        for check in rows
    ]


def _stands(key: AgentKey, serving: SiteAgent | None) -> Word:
    if key.revoked_at is not None:
        return Word(_("已吊销"), "bad")
    if serving is not None and serving.key_id == key.pk:
        return Word(_("服务中"), "good")
    return Word(_("有效，未在服务"), "plain")
