"""The seeds of a call's draws: an office commits to a word before anything is handed in; anyone makes them again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person
from huisuan.programmes.models import ApplicationSubmission, Call, Draw, SeedCommitment
from huisuan.programmes.review.draw_records import repeat_draw, seed_from
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review.seed import SeedSource, is_digest, make_source, read_source, word_digest
from huisuan.programmes.review_desk.drawing import drawing_call, draws_of
from huisuan.programmes.submissions.seed_sources import closed_submissions, source_of_lot
from huisuan.programmes.submissions.window import CallWindow, WindowState


@transaction.atomic
def commit_seed(number: str, person: Person, now: datetime, *, word: str = "", digest: str = "") -> SeedCommitment:
    """Put the digest of a word on record for the draws of a call, once, before anything is handed in under it.

    By the word, or by its digest alone: then nobody here ever learns it. The same again is the one that there is.

    Raises:
        NotFound: no such call.
        NotAllowed: no post to review in the office of the procedure.
        InvalidRequest: neither a word nor a digest; the procedure has no review by experts.
        Conflict: something was handed in already, the call is closed, or another word was committed to.
    """
    call = drawing_call(number, person, now)
    kept = word_digest(number, word) if word else digest.strip()
    if not is_digest(kept):
        raise InvalidRequest(
            f"{number}：请写种子，或写“{number}|种子”的 SHA-256（64 位小写十六进制）", code="experts.seed_missing"
        )
    held = SeedCommitment.objects.filter(call=call).first()
    if held is not None:
        if held.digest == kept:
            return held
        raise Conflict(
            f"{number}：{held.by.name}已承诺种子（摘要 {held.digest[:12]}…），一份通知只承诺一次",
            code="review.seed_committed_before",
        )
    handed_in = ApplicationSubmission.objects.filter(application__call=call).exists()
    if handed_in or CallWindow(call.first_day, call.last_day).state(now) is WindowState.CLOSED:
        raise Conflict(
            f"{number}：已收到申报或已截止，不再承诺种子；抽签的种子由截止时收到的全部申报算出",
            code="review.seed_committed_late",
        )
    return SeedCommitment.objects.create(call=call, digest=kept, by=person, at=now)


def prove_draws(call: Call, now: datetime) -> dict[str, Any]:
    """All that the draws of a call were made from, and whether each comes to the same again.

    `seed_text` is the text of which the seed is the SHA-256; `submissions_match`: it names what had come when the call
    closed; `reproduced`: the kept inputs are those of the digest, and come to the seed and to the seats.
    """
    held = SeedCommitment.objects.filter(call=call).select_related("by").first()
    closed, commitment = closed_submissions(call), held.digest if held else ""
    return {
        "call": call.number,
        "closed_at": CallWindow(call.first_day, call.last_day).closes_at.isoformat(),
        "commitment": None if held is None else {
            "digest": held.digest, "by": held.by.username, "at": held.at.astimezone(SHANGHAI).isoformat(),
        },
        "submissions": len(closed),
        "draws": [
            _proof(made, make_source(call.number, at, commitment, closed))
            for at, made in enumerate(draws_of(call), start=1)
        ],
        "lot": _lot(call, now),
    }  # fmt: skip


def draws_hold(found: dict[str, Any]) -> bool:
    """Whether nothing of what `prove_draws` found is otherwise than on record."""
    return all(
        one["reproduced"] and one["submissions_match"] is not False and one["word_matches"] is not False
        for one in found["draws"]
    )


def _proof(made: Draw, expected: SeedSource) -> dict[str, Any]:
    kept = made.inputs.get("seed")
    source = read_source(kept) if kept else None
    return {
        "title": made.title, "seed": made.seed, "seed_from": seed_from(made), "word": made.word,
        "reason": made.reason, "digest": made.digest, "by": made.by, "at": made.at.astimezone(SHANGHAI).isoformat(),
        "word_matches": _word_matches(made, source),
        "submissions_match": None if source is None else source == expected,
        "reproduced": repeat_draw(made), "seed_text": source.text if source else "", "inputs": made.inputs,
    }  # fmt: skip


def _word_matches(made: Draw, source: SeedSource | None) -> bool | None:
    """Whether what was said to the draw is what was committed to; None: nothing was said, or nothing committed to."""
    if source is None or not source.commitment or not made.word:
        return None
    return word_digest(source.drawn_for, made.word) == source.commitment


def _lot(call: Call, now: datetime) -> dict[str, str]:
    """The seed of the lot among equals, and of what it is the SHA-256; with experts it is that of their first draw.

    There is none before the call is closed: more may come until then.
    """
    if declared_review(call.edition) is not None:
        first = draws_of(call).first()
        return {"seed": first.seed if first else "", "seed_text": ""}
    if CallWindow(call.first_day, call.last_day).state(now) is not WindowState.CLOSED:
        return {"seed": "", "seed_text": ""}
    source = source_of_lot(call)
    return {"seed": source.seed, "seed_text": source.text}
