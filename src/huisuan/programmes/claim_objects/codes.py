"""The code of an object as it is compared, and the list of objects that a claim names. Pure.

Two codes are one where they differ only in width, case, blanks, brackets or the kind of dash (`base.codes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stdnum.cn import uscc as uscc_number

from huisuan.base.codes import fold_code
from huisuan.base.errors import InvalidRequest
from huisuan.law.procedure import OBJECT_WORDS, ClaimObjectSpec, Held, ObjectKind

LONGEST_CODE, MOST_OBJECTS = 80, 500
#: kinds whose numbers everybody gives as it likes: the other side's code before one tells it from another's
PREFIXED = frozenset({ObjectKind.CONTRACT, ObjectKind.INVOICE})
_USCC, SHORTEST_END = 18, 4


@dataclass(frozen=True)
class NamedObject:
    """An object as a claim names it: its kind, its code as it is compared, and as it was typed."""

    kind: str
    code: str
    typed: str

    def to_dict(self) -> dict[str, str]:
        """As drafts, submissions and JSON carry it."""
        return {"kind": self.kind, "code": self.code, "typed": self.typed}


def normalise_code(text: str) -> str:
    """A code as it is compared; the same again for what it returns.

    Raises:
        InvalidRequest: nothing that could be a code, or one beyond all measure.
    """
    if len(text) > 4 * LONGEST_CODE:
        raise InvalidRequest(f"编号至多 {LONGEST_CODE} 字：{text[:20]}…", code="claim_object.code_malformed")
    plain = fold_code(text)
    if not any(sign.isalnum() for sign in plain):
        raise InvalidRequest(f'"{text[:40]}" 不是编号：须有字母或数字', code="claim_object.code_malformed")
    if len(plain) > LONGEST_CODE:
        raise InvalidRequest(f"编号至多 {LONGEST_CODE} 字：{plain[:20]}…", code="claim_object.code_malformed")
    return plain


def asked_objects(procedure: Mapping[str, Any]) -> tuple[ClaimObjectSpec, ...]:
    """The kinds of objects that claims under a stored procedure name."""
    return tuple(
        ClaimObjectSpec(
            ObjectKind(said["kind"]),
            bool(said["required"]),
            tuple(said["counts"]),
            Held(said.get("held", Held.ONCE)),
            bool(said.get("contested")),
        )
        for said in procedure.get("objects", ())
    )


def parse_objects(typed: Iterable[Mapping[str, str]], asked: Sequence[ClaimObjectSpec]) -> list[NamedObject]:
    """The objects of a claim, each once, by kind and code.

    Raises:
        InvalidRequest: a kind that the programme does not ask for, a malformed code, or more than anybody names.
    """
    found: dict[tuple[str, str], NamedObject] = {}
    known = [spec.kind.value for spec in asked]
    for each in typed:
        kind, text = str(each.get("kind", "")).strip(), str(each.get("typed") or each.get("code") or "").strip()
        if kind not in known:
            raise InvalidRequest(
                f"本程序不申报“{kind[:20]}”；可写 {'、'.join(known) or '无'}", code="claim_object.kind_not_asked"
            )
        code = normalise_code(text)
        if ObjectKind(kind) not in PREFIXED and begins_with_a_party(code):
            raise InvalidRequest(
                f"{object_words(kind, code)}：编号前不写统一社会信用代码，只有合同和发票可以；请只写它自己的编号",
                code="claim_object.prefix_not_allowed",
            )
        found.setdefault((kind, code), NamedObject(kind, code, text))
    if len(found) > MOST_OBJECTS:
        raise InvalidRequest(f"一件申报至多 {MOST_OBJECTS} 个申报对象", code="claim_object.too_many")
    return [found[key] for key in sorted(found)]


def begins_with_a_party(code: str) -> bool:
    """Whether a normalised code has a party's unified social credit code before its own."""
    return len(code) > _USCC and bool(uscc_number.is_valid(code[:_USCC]))


def ends_alike(code: str, other: str) -> bool:
    """Whether one of two codes is the end of the other: the same number, maybe, with something written before it."""
    short, long = sorted((code, other), key=len)
    return len(short) >= SHORTEST_END and short != long and long.endswith(short)


def object_words(kind: str, code: str) -> str:
    """An object in a sentence: its kind in Chinese and its code."""
    return f"{OBJECT_WORDS[ObjectKind(kind)][0]} {code}"
