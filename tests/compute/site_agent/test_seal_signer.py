"""The centre signs a sealed month only after it counted its own batches and found the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.site_agent import state as remembering
from huisuan.compute.site_agent.seal_signer import Sealing
from huisuan.compute.site_agent.state import Memory
from huisuan.compute.site_agent.usage_slices import Line, Slice
from huisuan.protocol.agent import BatchAnswer, SealAsked, SealWord, UsageLine
from huisuan.protocol.batch_chain import seal_digest
from huisuan.protocol.signatures import is_signed_by, public_half

KEY, PLATFORM = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
START = datetime(2024, 3, 31, 12, tzinfo=UTC)
MARCH_ENDS = int(datetime(2024, 3, 31, 16, tzinfo=UTC).timestamp())  # midnight in Shanghai
HOUR = 3600


def line(hour: int) -> Line:
    """Eight cards for the hour that begins so many hours after noon."""
    starts = START + timedelta(hours=hour)
    said = UsageLine(
        uid="01m8558jnns7cryxk3r3r51yjp", run=0, lease=1, slice=hour, nodes="gpu01", node_count=1, cards=8,
        started_at=starts, ended_at=starts + timedelta(hours=1), state="running", collector="test",
    )  # fmt: skip
    begun = int(starts.timestamp())
    return Line(Slice(begun, "", hour, begun + HOUR, 0, 8, "running"), said.written())


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """Six hours reported in two batches, both taken; of the second the platform doubted the first line."""
    made = Memory(tmp_path / "memory.sqlite3")
    made.new_name()
    made.put("platform_key", public_half(PLATFORM))
    for number in (1, 2):
        made.queue("01m8558jnns7cryxk3r3r51yjp", 1, [line(3 * number - 3 + each) for each in range(3)], last=False)
        made.batches(KEY.sign, number - 1)
    answers = [BatchAnswer(number=1, receipt="r", chain="c"), BatchAnswer(number=2, receipt="r", flagged={0: "存疑"})]
    made.batches_answered(answers, 2, 1000)
    yield made
    made.close()


def statement(memory: Memory, **fields: object) -> str:
    """What the platform says of March: the first three hours and none of the fourth, which it doubted."""
    own = {
        "name": memory.name, "batches": 2, "digest": memory.digest_of(2), "after": 0, "records": 3,
        "card_seconds": 3 * 8 * HOUR,
    }  # fmt: skip
    return json.dumps({"ends": MARCH_ENDS, "previous_ends": None, "agents": [own | fields]})


def answered(memory: Memory, said: str, by: Ed25519PrivateKey = PLATFORM) -> SealWord:
    """The agent's word on it."""
    sealing = Sealing(memory, KEY, lambda _: None)
    sealing.asked([SealAsked(month="2024-03", statement=said, signature=by.sign(seal_digest(said)).hex())])
    (word,) = sealing.words
    return word


def test_it_signs_what_it_counts_the_same(memory: Memory) -> None:
    said = statement(memory)
    word = answered(memory, said)
    assert word.refused == ""
    assert word.signature is not None
    assert is_signed_by(public_half(KEY), word.signature, seal_digest(said))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"records": 4}, "4 条"),
        ({"card_seconds": 1}, "1 卡秒"),
        ({"digest": "0" * 64}, "摘要不同"),
        ({"batches": 7}, "没有发过"),
        ({"name": "somebody-else"}, "没有站点代理"),
    ],
)
def test_it_refuses_what_differs_and_says_how(memory: Memory, fields: dict[str, object], why: str) -> None:
    word = answered(memory, statement(memory, **fields))
    assert word.signature is None
    assert why in word.refused


def test_it_refuses_a_statement_that_the_platform_it_joined_did_not_sign(memory: Memory) -> None:
    word = answered(memory, statement(memory), by=KEY)
    assert word.signature is None
    assert "公钥不符" in word.refused


def test_when_its_lines_are_too_old_the_digest_of_its_chain_speaks_alone(memory: Memory) -> None:
    memory.tidy(1000 + remembering.LINES_KEPT + 1)
    assert answered(memory, statement(memory)).signature is not None
    assert answered(memory, statement(memory, digest="0" * 64)).signature is None
    assert memory.last_taken() == 2
