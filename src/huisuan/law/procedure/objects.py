"""What a claim is for, by its own number: the objects that a programme asks its applicants to name.

One claim on a ground holds an object at a time: a contract that one application claims for, another may not. What is
spent once (a voucher, an invoice) is held whatever the year; what goes on for years (a project that a city pays for) is
held year by year where the programme says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec


class ObjectKind(StrEnum):
    """What an object is; its code is that of its kind's own series."""

    CONTRACT = "contract"
    INVOICE = "invoice"
    STANDARD = "standard"
    PROJECT = "project"
    VOUCHER = "voucher"
    ENTITLEMENT = "entitlement"


class Held(StrEnum):
    """For how long a living claim keeps others from an object: whatever the year, or for the year that it claims."""

    ONCE = "once"
    PER_YEAR = "per_year"


#: Chinese, English, and an example of its code
OBJECT_WORDS = {
    ObjectKind.CONTRACT: ("合同", "contract", "HT-2024-018"),
    ObjectKind.INVOICE: ("发票", "invoice", "24342000000012345678"),
    ObjectKind.STANDARD: ("标准", "standard", "GB/T 41867-2022"),
    ObjectKind.PROJECT: ("项目", "project", "2406-340100-04-05-123456"),
    ObjectKind.VOUCHER: ("市级拨付凭证", "voucher of a city", "PZ-2024-0031"),
    ObjectKind.ENTITLEMENT: ("应享", "entitlement", "E12"),
}
#: kinds to which a city gives numbers and names of its own
OWN_SERIES = frozenset({ObjectKind.PROJECT, ObjectKind.VOUCHER})


@dataclass(frozen=True)
class SharedObject:
    """Where `by` (a question) is decided "share", several are granted for one object, each its `portion` (a fact)."""

    by: InterpretationSpec
    portion: str


@dataclass(frozen=True)
class ClaimObjectSpec:
    """A kind of object that a programme's claims name; `counts` are the facts that say how many there are."""

    kind: ObjectKind
    required: bool
    counts: tuple[str, ...] = ()
    held: Held = Held.ONCE
    contested: bool = False
    shared: SharedObject | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it; what is held once, or refused where another names it, does not say so."""
        said: dict[str, Any] = {"kind": self.kind.value, "required": self.required, "counts": list(self.counts)}
        said |= {} if self.held is Held.ONCE else {"held": self.held.value}
        said |= {"shared": {"by": self.shared.by.name, "portion": self.shared.portion}} if self.shared else {}
        return said | ({"contested": True} if self.contested else {})


def names(
    kind: str,
    *,
    required: bool = True,
    counts: Iterable[object] = (),
    held: str = Held.ONCE.value,
    contested: bool = False,
    shared: tuple[object, object] | None = None,
) -> ClaimObjectSpec:
    """A kind of object that claims name, as an article writes it; `counts` are facts of the rule.

    `held="per_year"`: another year's claim on the ground may name the same object again. `contested`: an object that
    another applicant has named is no refusal; the later claim waits behind it, with a flag that somebody answers.
    `shared`: a question with the option "share", and the fact that says the portion of each who claims.

    Raises:
        LawError: no such kind, one that only the platform names, a count that is no fact, or another way to hold it.
    """
    if held not in set(Held):
        raise LawError(
            f"申报对象“{kind}”的 held 须是 {'、'.join(each.value for each in Held)}，不是“{held}”",
            code="law.object_held_unknown",
        )
    if kind not in set(ObjectKind) - {ObjectKind.ENTITLEMENT}:
        known = "、".join(each.value for each in ObjectKind if each is not ObjectKind.ENTITLEMENT)
        raise LawError(f"申报对象没有“{kind}”这一类；可用 {known}", code="law.object_kind_unknown")
    return ClaimObjectSpec(
        ObjectKind(kind), required, tuple(_fact(kind, count) for count in counts), Held(held), contested,
        None if shared is None else _shared(kind, *shared),
    )  # fmt: skip


def _shared(kind: str, question: object, portion: object) -> SharedObject:
    spec = getattr(question, "spec", None)
    if not isinstance(spec, InterpretationSpec) or "share" not in spec.options:
        raise LawError(
            f"申报对象“{kind}”的分享（shared）须写一个有 share 选项的解释口径", code="law.object_shared_unknown"
        )
    return SharedObject(spec, _fact(kind, portion))


def _fact(kind: str, count: object) -> str:
    node = getattr(count, "node", None)
    found = () if node is None else nodes.facts_of(node)
    if len(found) != 1:
        raise LawError(f"申报对象“{kind}”的数量（counts）须是一项事实", code="law.object_count_no_fact")
    return found[0].name
