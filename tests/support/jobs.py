"""A small world for tests of jobs: parties with good check digits, a centre, viewers, what an agent says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stdnum.cn import uscc

from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.agent_gateway.sync import sync
from huisuan.compute.engines.local.engine import LOCAL_ABILITIES
from huisuan.compute.models import Accelerator, AgentKey, Centre, Partition
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol.agent import SyncReply, SyncRequest
from huisuan.protocol.resources import JobRequest
from huisuan.protocol.signatures import public_half

NOON = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
AGENT = "11111111-2222-3333-4444-555555555555"
PLACE = "aaaaaaaaaaaaaaaaaaaaaaaa"
T = TypeVar("T")


def party(number: int = 1, kind: str = "enterprise", region: str = "340100") -> Party:
    """A party of that number."""
    base = f"91340100MA2T{number:05d}"
    code = base + uscc.calc_check_digit(base)
    found, _ = Party.objects.get_or_create(
        uscc=code, defaults={"name": f"企业 {number}", "kind": kind, "region_id": region}
    )
    return found


def centre(code: str = "hf-local", cards: int = 4, model: str = PROCESSOR_SLOT, engine: str = "local") -> Centre:
    """A centre with one partition, run by party 99."""
    made = Centre.objects.create(
        code=code, name=f"中心 {code}", operator=party(99, "centre_operator"), region_id="340100", engine=engine
    )
    Partition.objects.create(
        centre=made, name="main", accelerator=Accelerator.objects.get(model=model), nodes=1, cards_per_node=cards
    )
    return made


def user(number: int = 1) -> Viewer:
    """Someone of that party."""
    return Viewer(role="user", name=f"用户 {number}", party_id=party(number).pk)


PROVINCE = Viewer(role="province", name="专班")


def asked(*command: str, **rest: object) -> JobRequest:
    """A request for a job; `slots`: so many processor slots, which are what this world's centres have."""
    if "slots" in rest:
        rest |= {"cards": rest.pop("slots"), "models": [PROCESSOR_SLOT]}
    return JobRequest.model_validate({"command": list(command or ("true",)), **rest})


class Voice:
    """What an agent says, without an agent: each word with the next number, as the platform takes it."""

    def __init__(self, made: Centre, name: str = AGENT, place: str = PLACE) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.row = AgentKey.objects.create(
            centre=made, name=name, public_key=public_half(self.key), host="node-1", enrolled_at=NOON
        )
        self.name, self.place, self.start, self.number = name, place, 1, 0
        self.capabilities = {flag: {"able": each.able, "why": each.why} for flag, each in LOCAL_ABILITIES.items()}

    def request(self, now: datetime, **rest: Any) -> SyncRequest:
        """What it tells, with the next number."""
        self.number += 1
        told = {
            "agent": self.name, "number": self.number, "boot": f"{self.place}.{self.start}", "host": "node-1",
            "version": "0.1.0", "engine": "local", "sent_at": now, "capabilities": self.capabilities, **rest,
        }  # fmt: skip
        return SyncRequest.model_validate(told)

    def says(self, now: datetime = NOON, **rest: Any) -> SyncReply:
        """One exchange."""
        row = AgentKey.objects.select_related("centre").get(pk=self.row.pk)
        return sync(self.request(now, **rest), row, now)


def online(made: Centre, now: datetime = NOON, **rest: Any) -> Centre:
    """The centre, whose agent called just now."""
    Voice(made, **rest).says(now)
    return made


def eventually(look: Callable[[], T], within: float = 60.0) -> T:
    """What `look` gives as soon as it gives something."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found
