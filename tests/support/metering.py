"""A centre with leased jobs and an agent that signs: shared by the tests of the meter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.metering.agent_usage.receive import receive_batches
from huisuan.compute.models import Accelerator, AgentKey, Centre, Job, PlacementDecision
from huisuan.protocol.agent import BatchAnswer, SignedBatch, UsageLine
from huisuan.protocol.batch_chain import START, batch_digest
from support.usage_records import A800, centre, party

T0 = datetime(2024, 3, 1, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
HOUR = timedelta(hours=1)
NOW = T0 + timedelta(days=60)
NAME = "11111111-2222-3333-4444-555555555555"


@dataclass
class Agent:
    """An agent as the platform sees it: a key, a chain of batches, and what it was answered."""

    centre: Centre
    name: str = NAME
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    number: int = 0
    previous: str = START
    key: AgentKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = AgentKey.objects.create(
            centre=self.centre, name=self.name, public_key=self.private.public_key().public_bytes_raw().hex(),
            host="login01", enrolled_at=T0,
        )  # fmt: skip

    def batch(self, *lines: str) -> SignedBatch:
        """The next batch of its chain, signed."""
        self.number += 1
        digest = batch_digest(self.name, self.number, self.previous, lines)
        made = SignedBatch(
            number=self.number, previous=self.previous, lines=list(lines), signature=self.private.sign(digest).hex()
        )
        self.previous = digest.hex()
        return made

    def send(self, *batches: SignedBatch, now: datetime = NOW, skew_ms: int = 0) -> list[BatchAnswer]:
        """What the platform answers."""
        return receive_batches(self.centre, self.key, batches, "0.1.0", now + timedelta(milliseconds=skew_ms), now)

    def report(self, *lines: str, **options: Any) -> BatchAnswer:
        """Send these lines as the next batch."""
        (answer,) = self.send(self.batch(*lines), **options)
        return answer


def agent(code: str = "c1", *partitions: str, **options: Any) -> Agent:
    """A centre with an agent."""
    return Agent(centre(code, *partitions), **options)


def leased(
    at: Centre, uid: str = "J1", *, cards: int = 8, model: str = A800, placed: datetime = T0, **fields: Any
) -> Job:
    """A job that was placed at the centre, once."""
    accelerator = Accelerator.objects.get(model=model)
    plain: dict[str, Any] = {
        "party": party(1), "submitted_by": "张三", "name": uid, "command": ["true"], "cards": cards, "nodes": 1,
        "state": "placed", "lease": 1, "centre": at, "accelerator": accelerator, "partition": "gpu",
        "submitted_at": placed - HOUR, "placed_at": placed,
    }  # fmt: skip
    job = Job.objects.create(uid=uid, **(plain | fields))
    PlacementDecision.objects.create(
        job=job, run=job.run, lease=job.lease, at=placed, centre=at, accelerator=accelerator, weights="test", parts={}
    )
    return job


def said(uid: str = "J1", started: datetime = T0, hours: float = 1, **fields: Any) -> str:
    """A usage line: an hour of eight cards unless said otherwise."""
    plain: dict[str, Any] = {
        "uid": uid, "run": 0, "lease": 1, "slice": 0, "nodes": "gpu01", "node_count": 1, "local_card": "a800",
        "cards": 8, "started_at": started, "ended_at": started + hours * HOUR, "state": "running",
        "raw": "sacct|line", "collector": "huisuan-agent/0.1.0 slurm",
    }  # fmt: skip
    return UsageLine.model_validate(plain | fields).to_json_line()
