"""An agent that joined may sign anything: it is taken or refused, and never a fault of ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from huisuan.compute.jobs.services import submit_job
from huisuan.protocol.agent import AGENT, SIGNATURE
from huisuan.protocol.batch_chain import START, batch_digest
from huisuan.protocol.signatures import sign_request
from support.jobs import Voice, asked, centre, user

MANY = 40  # examples, each seven exchanges
pytestmark = pytest.mark.django_db
TEXTS = st.sampled_from(["", "x", "\x7f", "\ud800", "𠮷" * 15, "%s{0}", "a" * 32, "'; --", "2024-13", "\u202e"])
TIMES = st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59-14:00", "2024-06-03T04:00:00Z",
     "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", None]
)  # fmt: skip
COUNTS = st.sampled_from([-1, 0, 1, 2**15 - 1, 2**20 - 1, 2**31 - 1, 2**62 - 1, 2**63, 10**400])
STATES = st.sampled_from(["running", "completed", "failed", "cancelled", "timeout", "lost", "starting", "expired"])


def either(uid: str) -> st.SearchStrategy[str]:
    """The uid of the job that is there, or any text."""
    return st.one_of(st.just(uid), TEXTS)


def usage_line(uid: str) -> st.SearchStrategy[str]:
    """A line of use as hostile as JSON can be, or no JSON at all."""
    line = st.fixed_dictionaries(
        {"uid": either(uid), "run": COUNTS, "lease": COUNTS, "slice": COUNTS, "corrects": st.booleans(), "nodes": TEXTS,
         "node_count": COUNTS, "local_card": TEXTS, "cards": COUNTS, "started_at": TIMES, "ended_at": TIMES,
         "suspended_seconds": COUNTS, "state": STATES, "exit_code": COUNTS, "raw": TEXTS, "collector": TEXTS,
         "measured": st.dictionaries(TEXTS, COUNTS, max_size=2)}
    )  # fmt: skip
    return st.one_of(line.map(json.dumps), TEXTS.filter(lambda text: text != "\x7f"), st.just("[" * 4000))


def messages(uid: str) -> st.SearchStrategy[dict[str, Any]]:
    """Parts of an exchange, each of its own."""
    seen = st.fixed_dictionaries(
        {"uid": either(uid), "run": COUNTS, "lease": COUNTS, "state": STATES, "reason": TEXTS, "expected_start": TIMES,
         "started_at": TIMES, "ended_at": TIMES, "exit_code": COUNTS}
    )  # fmt: skip
    node = st.fixed_dictionaries(
        {"name": TEXTS, "partition": TEXTS, "local_card": TEXTS, "cards": COUNTS, "used": COUNTS}
    )
    log = st.fixed_dictionaries({"uid": either(uid), "offset": COUNTS, "content": st.just("QUJD")})
    seal = st.fixed_dictionaries(
        {"month": st.sampled_from(["2024-02", "0000-00", "9999-99"]), "statement_sha256": st.just("0" * 64),
         "signature": st.just("0" * 128), "refused": TEXTS}
    )  # fmt: skip
    return st.fixed_dictionaries(
        {"observed": st.lists(seen, max_size=2), "nodes": st.lists(node, max_size=2), "logs": st.lists(log, max_size=2),
         "seals": st.lists(seal, max_size=1), "lines": st.lists(usage_line(uid), max_size=2), "host": TEXTS}
    )  # fmt: skip


def answered(voice: Voice, message: dict[str, Any]) -> int:
    """The status of a signed exchange; whatever it changed is taken back."""
    body = json.dumps(message).encode()
    signed = {
        f"HTTP_{AGENT.upper().replace('-', '_')}": voice.name,
        f"HTTP_{SIGNATURE.upper().replace('-', '_')}": sign_request(voice.key, body),
    }
    client = Client(raise_request_exception=False)
    with transaction.atomic():
        status = client.post("/api/agent/v1/sync", body, content_type="application/json", **signed).status_code
        transaction.set_rollback(True)
    return int(status)


def test_what_an_agent_signs_is_taken_or_refused() -> None:
    now = datetime.now(UTC)
    voice = Voice(centre(), name="11111111-2222-3333-4444-555555555555")
    voice.says(now)
    job = submit_job(asked("true"), user(), now, bytes(10))
    sound = voice.request(now).model_dump(mode="json", exclude={"enrol", "public_key", "held"})

    @settings(
        max_examples=MANY, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate], derandomize=True,
    )  # fmt: skip
    @given(parts=messages(job.uid))
    def walk(parts: dict[str, Any]) -> None:
        lines = parts.pop("lines")
        batches = [{"number": 1, "previous": START, "lines": lines, "signature": signature(voice, lines)}]
        for each in ({"batches": batches}, *({name: part} for name, part in parts.items())):
            assert answered(voice, {**sound, **each}) < 500, each

    walk()


def signature(voice: Voice, lines: list[str]) -> str:
    """A true signature of a batch of these lines, where they can be written at all."""
    try:
        return voice.key.sign(batch_digest(voice.name, 1, START, lines)).hex()
    except UnicodeEncodeError:
        return "0" * 128
