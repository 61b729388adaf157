"""What a rule is made of: a tree of typed, immutable nodes.

A rule is written with the operands of `authoring` and stored as these nodes; every reading (explanation, SQL,
prose) walks the same tree. Unknown ("missing") is the third truth value and the missing number everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Any, TypeAlias, get_args

from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.values import ValueKind


@dataclass(frozen=True)
class FactSpec:
    """One typed input of an article.

    `maximum` is the largest value that may be declared (fen for money): the proof that nothing overflows rests on it.
    `asked_by` is the sentence that makes it matter, `about` the thing that it is a fact of. `known_by` names who knows
    it ("register"), `measure` what of it ("region"), `within` where to look ("340000": all the province) or the words
    that make a yes-or-no fact true. `role`: "event" or "began" of a day, "capacity", "subsidised" or "place".
    """

    name: str
    kind: ValueKind
    zh: str
    en: str
    asked_by: str
    unit: str = ""
    evidence: str = ""
    known_by: str = ""
    maximum: int | None = None
    options: Mapping[str, str] | None = None
    options_en: Mapping[str, str] | None = None
    about: str = ""
    measure: str = ""
    within: tuple[str, ...] = ()
    role: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The fact as a form, a script or a lawyer needs it; money is an integer number of fen."""
        return {
            "name": self.name, "type": self.kind.value, "unit": self.unit, "label": self.zh, "label_en": self.en,
            "evidence": self.evidence, "known_by": self.known_by, "options": list(self.options or {}),
            "option_labels": dict(self.options or {}), "maximum": self.maximum, "sentence": self.asked_by,
        }  # fmt: skip


@dataclass(frozen=True)
class SettingSpec:
    """A value that the working group sets within the bound of a sentence; `name` is unique in the policy."""

    name: str
    kind: ValueKind
    zh: str
    en: str
    sentence: str
    phrase: str
    at_most: int | Fraction | None = None
    regions: Mapping[str, str] | None = None  # of lists and rates by region: the codes it may name, with their names
    regions_en: Mapping[str, str] | None = None
    odd_from: int = 0  # an odd count, no less than this: votes are never equal

    def region_names(self, *, english: bool) -> Mapping[str, str] | None:
        """The regions it may name, with their names in a language."""
        return self.regions_en if english and self.regions_en else self.regions

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True)
class InterpretationSpec:
    """A place where the text is open: the question and its options (name -> words)."""

    name: str
    sentence: str
    phrase: str
    zh: str
    en: str
    options: Mapping[str, str]
    options_en: Mapping[str, str]


OPEN_LIST = ("closed", "open")  # the question whether a list that ends with 等 is closed


@dataclass(frozen=True)
class Fact:
    """The value of a fact."""

    spec: FactSpec


@dataclass(frozen=True)
class Const:
    """A figure that the law itself names, or a value bound from a setting."""

    value: int | Fraction | bool | date | str | tuple[str, ...]
    kind: ValueKind


@dataclass(frozen=True)
class Setting:
    """The value of a setting on the day."""

    spec: SettingSpec


@dataclass(frozen=True)
class Lookup:
    """The share that a setting gives for a region; nothing (0) where it names none, which a condition must exclude."""

    spec: SettingSpec
    region: Node


@dataclass(frozen=True)
class Sum:
    """The sum of its terms."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Minus:
    """`whole` less `part`, never below zero."""

    minuend: Node
    subtrahend: Node


@dataclass(frozen=True)
class Times:
    """A product of two numbers."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Cap:
    """`amount`, but at most `limit`: the explanation says whether the limit bound."""

    amount: Node
    limit: Node


ROUNDING_UNITS = {"fen": 1, "yuan": 100, "wan": 1_000_000}  # what a rule may round to, in fen


@dataclass(frozen=True)
class Rounded:
    """A number of fen made whole: downwards, or to the nearest with halves up. The one place where a rule rounds."""

    amount: Node
    to: int  # fen of the unit: see ROUNDING_UNITS
    half_up: bool = False

    def apply(self, amount: int | Fraction) -> int:
        """An amount in fen, never below zero, rounded so."""
        half = Fraction(1, 2) if self.half_up else 0
        return int((Fraction(amount) / self.to + half) // 1) * self.to


@dataclass(frozen=True)
class Total:
    """A number summed over the claims of one group (`Grouping`) up to this one; a claim by itself is its own total.

    `spec` is the total as a fact of the group: its words, and the most that it can come to.
    """

    of: Node
    spec: FactSpec


@dataclass(frozen=True)
class Compare:
    """A comparison; `op` is one of <= < >= > = ."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Among:
    """Whether a choice, text or region is one of a list."""

    value: Node
    members: Node


@dataclass(frozen=True)
class All:
    """Every one of them."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of them."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    term: Node


@dataclass(frozen=True)
class When:
    """`then` where the condition holds, else `otherwise`; what the other branch lacks does not matter."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Interpreted:
    """One branch per option of an interpretation; which one holds is data, not code."""

    spec: InterpretationSpec
    branches: Mapping[str, Node]

    def __hash__(self) -> int:
        return hash(self.spec.name)


@dataclass(frozen=True)
class ByDay:
    """An amount by the days of use: where the settings change within a period, each part counts by its own.

    What stands above it (a cap, the rounding) belongs to the whole period. `policy.by_day` takes it out of a rule
    before a reading sees it: as it is where the period is one part, as a sum where it is several.
    """

    node: Node
    sentence: str
    phrase: str


@dataclass(frozen=True)
class Cited:
    """A node with its ground: a phrase of a sentence, and (for a figure) what people call it."""

    node: Node
    sentence: str
    phrase: str
    kind: ValueKind
    zh: str = ""
    en: str = ""


Node: TypeAlias = (
    Fact | Const | Setting | Lookup | Sum | Minus | Times | Cap | Rounded | Total | Shift | Elapsed | Compare
    | Among | All | AnyOf | Not | When | Interpreted | ByDay | Cited
)  # fmt: skip

NODE_TYPES = get_args(Node)
_FIELD_NAMES: dict[type, tuple[str, ...]] = {kind: tuple(field.name for field in fields(kind)) for kind in NODE_TYPES}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, by the fields of the exact type: no tree is walked as often."""
    for name in _FIELD_NAMES[type(node)]:
        value = getattr(node, name)
        if type(value) in _FIELD_NAMES:
            yield value
        elif type(value) is tuple:
            yield from (term for term in value if type(term) in _FIELD_NAMES)
        elif name == "branches" and isinstance(node, Interpreted):
            yield from value.values()


def walk(node: Node, options: Mapping[str, str] | None = None) -> Iterator[Node]:
    """The node and everything below it, depth first; of an open question that `options` decides the chosen branch."""
    waiting = [node]
    while waiting:
        yield (found := waiting.pop())
        if options and isinstance(found, Interpreted) and (chosen := options.get(found.spec.name)) is not None:
            waiting.append(found.branches[chosen])
        else:
            waiting += reversed([*children(found)])


def facts_of(*nodes: Node) -> tuple[FactSpec, ...]:
    """The facts that the nodes rest on, each once, in the order of first use."""
    return tuple({fact.spec.name: fact.spec for root in nodes for fact in walk(root) if type(fact) is Fact}.values())
