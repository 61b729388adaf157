"""Every refusal has its kind and its stable code (base/errors.py).

UNCODED counts, room by room, the refusals that have none yet: a room's number only falls.
"""

from __future__ import annotations

import ast
import re
from collections import Counter

from support.source_tree import modules

KINDS = {
    "ApiRefusal",
    "ClientError",
    "EnrolmentRefused",
    "InvalidRequest",
    "NotAllowed",
    "NotFound",
    "Conflict",
    "Unavailable",
    "LawError",
    "Refused",
}
CODE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z0-9]+(_[a-z0-9]+)*")
UNCODED: dict[str, int] = {}


def raised() -> list[tuple[str, ast.Call]]:
    """Every place that makes a refusal."""
    return [
        (module.file, node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS
    ]


def code_of(call: ast.Call) -> ast.expr | None:
    """What it gives as its code."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)


def test_every_refusal_has_a_code() -> None:
    rooms = Counter(file.split("/")[0] for file, call in raised() if code_of(call) is None)
    assert {room: count for room, count in rooms.items() if count > UNCODED.get(room, 0)} == {}


def test_codes_are_written_as_room_and_rule() -> None:
    written = [
        (file, value.value)
        for file, call in raised()
        if isinstance(value := code_of(call), ast.Constant) and not CODE.fullmatch(str(value.value))
    ]
    assert written == []


def test_no_api_answers_a_refusal_without_a_code() -> None:
    bare = [
        f"{module.file}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "HttpError"
    ]
    assert bare == []
