"""A small world for tests of jobs: parties with good check digits, a centre with the local engine, viewers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from stdnum.cn import uscc

from huisuan.client.agent_wire import SyncRequest
from huisuan.client.wire import JobRequest
from huisuan.compute.catalogue import PROCESSOR_SLOT
from huisuan.compute.models import Accelerator, Centre, Partition
from huisuan.parties.access import Viewer
from huisuan.parties.models import Party

NOON = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
AGENT = "11111111-2222-3333-4444-555555555555"
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
    """A request for a job."""
    return JobRequest.model_validate({"command": list(command or ("true",)), **rest})


def seen(agent: str = AGENT, **rest: object) -> SyncRequest:
    """What an agent tells."""
    told = {"agent": agent, "host": "node-1", "version": "0.1.0", "engine": "local", **rest}
    return SyncRequest.model_validate(told)


def eventually(look: Callable[[], T], within: float = 20.0) -> T:
    """What `look` gives as soon as it gives something."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found
