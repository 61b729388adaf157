"""The centre signs a sealed month only after it counted its own batches and found the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.site_agent.batch_queue import LINES_KEPT
from huisuan.compute.site_agent.seal_signer import SealSigner
from huisuan.compute.site_agent.state import AgentState
from huisuan.compute.site_agent.usage_slices import Slice, SliceLine
from huisuan.protocol.agent import BatchAnswer, SealAsked, SealWord, UsageLine
from huisuan.protocol.batch_chain import seal_digest
from huisuan.protocol.signatures import is_signed_by, public_half

KEY, PLATFORM = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
START = datetime(2024, 3, 31, 12, tzinfo=UTC)
MARCH_ENDS = int(datetime(2024, 3, 31, 16, tzinfo=UTC).timestamp())  # midnight in Shanghai
HOUR = 3600


def line(hour: int) -> SliceLine:
    """Eight cards for the hour that begins so many hours after noon."""
    starts = START + timedelta(hours=hour)
    said = UsageLine(
        uid="01m8558jnns7cryxk3r3r51yjp", run=0, lease=1, slice=hour, nodes="gpu01", node_count=1, cards=8,
        started_at=starts, ended_at=starts + timedelta(hours=1), state="running", collector="test",
    )  # fmt: skip
    begun = int(starts.timestamp())
    return SliceLine(Slice(begun, "", hour, begun + HOUR, 0, 8, "running"), said.to_json_line())


@pytest.fixture
def state(tmp_path: Path) -> Iterator[AgentState]:
    """Six hours reported in two batches, both taken; of the second the platform doubted the first line."""
    state = AgentState(tmp_path / "memory.sqlite3")
    state.assign_new_name()
    state.put("platform_key", public_half(PLATFORM))
    for number in (1, 2):
        state.batch_queue.append(
            "01m8558jnns7cryxk3r3r51yjp", 1, [line(3 * number - 3 + index) for index in range(3)], last=False
        )
        state.batch_queue.next_batches(KEY.sign, number - 1)
    answers = [BatchAnswer(number=1, receipt="r", chain="c"), BatchAnswer(number=2, receipt="r", flagged={0: "存疑"})]
    state.batch_queue.record_answers(answers, 2, 1000)
    yield state
    state.close()


def statement(state: AgentState, **fields: object) -> str:
    """What the platform says of March: the first three hours and none of the fourth, which it doubted."""
    own = {
        "name": state.name, "batches": 2, "digest": state.batch_queue.digest_of(2), "after": 0, "records": 3,
        "card_seconds": 3 * 8 * HOUR,
    }  # fmt: skip
    return json.dumps({"ends": MARCH_ENDS, "previous_ends": None, "agents": [own | fields]})


def answered(state: AgentState, said: str, by: Ed25519PrivateKey = PLATFORM) -> SealWord:
    """The agent's word on it."""
    signer = SealSigner(state, KEY, lambda _: None)
    signer.answer([SealAsked(month="2024-03", statement=said, signature=by.sign(seal_digest(said)).hex())])
    (word,) = signer.countersignatures
    return word


def test_it_signs_what_it_counts_the_same(state: AgentState) -> None:
    said = statement(state)
    word = answered(state, said)
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
def test_it_refuses_what_differs_and_says_how(state: AgentState, fields: dict[str, object], why: str) -> None:
    word = answered(state, statement(state, **fields))
    assert word.signature is None
    assert why in word.refused


def test_it_refuses_a_statement_that_the_platform_it_joined_did_not_sign(state: AgentState) -> None:
    word = answered(state, statement(state), by=KEY)
    assert word.signature is None
    assert "公钥不符" in word.refused


def test_when_its_lines_are_too_old_the_digest_of_its_chain_speaks_alone(state: AgentState) -> None:
    state.prune(1000 + LINES_KEPT + 1)
    assert answered(state, statement(state)).signature is not None
    assert answered(state, statement(state, digest="0" * 64)).signature is None
    assert state.batch_queue.last_acknowledged() == 2
