"""What an article declares of a programme: how it begins, its steps with office and figures, when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from huisuan.base.hashing import text_sha256
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.procedure.contracts import ContractSpec
from huisuan.law.procedure.objects import ClaimObjectSpec
from huisuan.law.procedure.review import ReviewSpec
from huisuan.law.procedure.selection import SelectionSpec


class Duty(StrEnum):
    """As what a person acts on an application. `APPLY` is the applicant's own; every other one needs a post."""

    APPLY = "apply"
    CHECK = "check"
    RECOMMEND = "recommend"
    REVIEW = "review"
    DECIDE = "decide"
    COMMIT = "commit"
    PAY = "pay"
    PUBLISH = "publish"
    REGISTER = "register"


class State(StrEnum):
    """Where an application is; the same words for every programme."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    CHECKED = "checked"
    RECOMMENDED = "recommended"
    REVIEWED = "reviewed"
    RANKED = "ranked"
    IN_PUBLICITY = "in_publicity"
    DECIDED = "decided"
    CONTRACTED = "contracted"
    COMMITTED = "committed"
    PAYING = "paying"
    MONITORED = "monitored"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    IN_RECOVERY = "in_recovery"


#: the options of the question whether the day of an act is one of the days that it begins
OWN_DAY = ("excluded", "counted")

#: the options of the question whether earmarked money that went to an affiliate comes back
AFFILIATES = ("recovered", "allowed")

#: nothing is waited for in these; a closed one can still go into recovery where its programme says so
CLOSING_STATES = frozenset({State.CLOSED, State.REFUSED, State.WITHDRAWN})


class Start(StrEnum):
    """How a programme begins."""

    CALL = "call"
    OFFER = "offer"
    INVITATION = "invitation"
    CITY_CLAIM = "city_claim"


@dataclass(frozen=True)
class ProgrammeStep:
    """An action that leads from any of some states to one, by a duty in an office as the sentence names it.

    `within` is the setting that says how many working days there are for it, `figures` are the others that it works
    with: of `publicise` the days of publicity, the days to answer an objection, and the days for which objectors' names
    are kept; of `refuse`, `recover` and `revoke` the days to be heard. `own_day` is the question whether the day of the
    step is the first of the days that it begins. The applicant's own steps have no office. `review` says how experts
    review before the step is taken.
    """

    action: str
    sources: tuple[State, ...]
    target: State
    duty: Duty
    office: str = ""
    within: SettingSpec | None = None
    figures: tuple[SettingSpec, ...] = ()
    review: ReviewSpec | None = None
    own_day: InterpretationSpec | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it; settings by name, as their values are read on the day."""
        found: dict[str, Any] = {
            "action": self.action, "from": [state.value for state in self.sources], "to": self.target.value,
            "duty": self.duty.value, "office": self.office, "within": self.within.name if self.within else "",
            "figures": [figure.name for figure in self.figures], "own_day": self.own_day.name if self.own_day else "",
        }  # fmt: skip
        return found if self.review is None else found | {"review": self.review.to_dict()}

    def settings(self) -> tuple[SettingSpec, ...]:
        """The settings that it rests on."""
        within = (self.within,) if self.within else ()
        return (*within, *self.figures, *(self.review.settings() if self.review else ()))


@dataclass(frozen=True)
class EarmarkSpec:
    """Where earmarked money is accounted for: what was paid is an entry of `register`, each use one of `uses`.

    It is to be used `within` so many working days; a use whose purpose is `elsewhere` is none that the text names.
    `affiliates` is the question whether what went to the city's own affiliates comes back (`AFFILIATES`).
    """

    register: str
    uses: str
    elsewhere: str
    within: SettingSpec
    affiliates: InterpretationSpec | None = None


def earmarked(register: str, uses: str, *, elsewhere: str, within: object, affiliates: object = None) -> EarmarkSpec:
    """How an article says where its earmarked money is accounted for.

    Raises:
        LawError: the days are no setting, or the question about affiliates has other options than `AFFILIATES`.
    """
    asked = getattr(affiliates, "spec", None)
    if affiliates is not None and (not isinstance(asked, InterpretationSpec) or set(asked.options) != set(AFFILIATES)):
        raise LawError(
            f"专款付给关联方（affiliates）须是解释口径，选项为 {'、'.join(AFFILIATES)}",
            code="law.earmark_affiliates_malformed",
        )
    return EarmarkSpec(register, uses, elsewhere, _setting("earmark", within), asked)


@dataclass(frozen=True)
class ProgrammeSpec:
    """The procedure of one programme. `key` is that of the rule that says the amount ("2.2"), or `rule` names it.

    `objects` are the kinds of objects that its claims name; `selection` says what it decides itself by choosing;
    `earmark` is the phrase of the sentence that says what the money is for, where it says so; `contract` what is agreed
    after the decision; `opinions`: a decision says why, after the offices that the text names were heard; `earmarked`
    where the use of its money is accounted for; `cap_of` the question of what the rule's limit is one (`CapScope`).
    """

    key: str
    sentence: str
    phrase: str
    title: str
    title_en: str
    start: Start
    steps: tuple[ProgrammeStep, ...]
    objects: tuple[ClaimObjectSpec, ...] = ()
    selection: SelectionSpec | None = None
    earmark: str = ""
    contract: ContractSpec | None = None
    rule: str = ""
    opinions: bool = False
    earmarked: EarmarkSpec | None = None
    cap_of: InterpretationSpec | None = None

    @property
    def rule_key(self) -> str:
        """The rule that says the amount: several ways to carry one out are several programmes."""
        return self.rule or self.key

    def settings(self) -> tuple[SettingSpec, ...]:
        """The settings that its steps rest on, each once."""
        found: dict[str, SettingSpec] = {}
        for taken in self.steps:
            for spec in taken.settings():
                found.setdefault(spec.name, spec)
        for spec in self.contract.settings() if self.contract else ():
            found.setdefault(spec.name, spec)
        if self.earmarked is not None:
            found.setdefault(self.earmarked.within.name, self.earmarked.within)
        return tuple(found.values())

    @property
    def review(self) -> ReviewSpec | None:
        """How experts review its applications; None: they do not."""
        return next((taken.review for taken in self.steps if taken.review is not None), None)

    def questions(self) -> tuple[InterpretationSpec, ...]:
        """The open questions that its steps and limits rest on, each once."""
        race = self.contract.race if self.contract else None
        earmark = self.earmarked.affiliates if self.earmarked else None
        asked = (*(taken.own_day for taken in self.steps), self.cap_of, race.cap_of if race else None, earmark)
        return tuple({spec.name: spec for spec in asked if spec is not None}.values())

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON carries it; what `digest` is of."""
        said: dict[str, Any] = {
            "key": self.key, "sentence": self.sentence, "phrase": self.phrase, "title": self.title,
            "title_en": self.title_en, "start": self.start.value, "steps": [taken.to_dict() for taken in self.steps],
        }  # fmt: skip
        said |= {"objects": [spec.to_dict() for spec in self.objects]} if self.objects else {}
        said |= {"selection": self.selection.to_dict()} if self.selection else {}
        said |= {"contract": self.contract.to_dict()} if self.contract else {}
        said |= {"rule": self.rule} if self.rule else {}
        said |= {"opinions": True} if self.opinions else {}
        said |= {"cap_of": self.cap_of.name} if self.cap_of else {}
        if self.earmarked is not None:
            said["earmarked"] = {"register": self.earmarked.register, "within": self.earmarked.within.name}
            if self.earmarked.affiliates is not None:
                said["earmarked"]["affiliates"] = self.earmarked.affiliates.name
        return said | ({"earmark": self.earmark} if self.earmark else {})

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON: the same digest is the same procedure."""
        return procedure_digest(self.to_dict())


def procedure_digest(said: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a procedure as JSON carries it."""
    return text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def step(
    action: str,
    sources: State | Iterable[State],
    target: State,
    duty: Duty,
    office: str = "",
    *,
    within: object = None,
    figures: Iterable[object] = (),
    review: ReviewSpec | None = None,
    own_day: object = None,
) -> ProgrammeStep:
    """A step as an article writes it; `within` and `figures` are settings of the article, `own_day` a question of it.

    Raises:
        LawError: no duty, a figure that is no setting, or a question about the day with other options than `OWN_DAY`.
    """
    if not isinstance(duty, Duty):
        raise LawError(f"步骤 {action} 没有写职责（Duty）", code="law.programme_step_without_duty")
    return ProgrammeStep(
        action, (sources,) if isinstance(sources, State) else tuple(sources), target, duty, office,
        None if within is None else _setting(action, within), tuple(_setting(action, figure) for figure in figures),
        review, None if own_day is None else _question(action, own_day),
    )  # fmt: skip


def variant(
    steps: Iterable[ProgrammeStep],
    *,
    without: Iterable[str] = (),
    instead: Iterable[ProgrammeStep] = (),
    more: Iterable[ProgrammeStep] = (),
    offices: dict[str, str] | None = None,
) -> tuple[ProgrammeStep, ...]:
    """The steps of another programme, with what differs: actions left out, replaced, added; offices by another name.

    Raises:
        LawError: it differs in an action, or an office, that the other does not have.
    """
    base, left_out, replaced = tuple(steps), set(without), {taken.action: taken for taken in instead}
    actions, named = {taken.action for taken in base}, {taken.office for taken in base}
    for unknown in sorted((left_out | set(replaced)) - actions) + sorted(set(offices or {}) - named):
        raise LawError(f"变体改动了原程序没有的“{unknown}”", code="law.programme_variant_unknown")
    kept = [replaced.get(taken.action, taken) for taken in base if taken.action not in left_out]
    renamed = [replace(taken, office=(offices or {}).get(taken.office, taken.office)) for taken in kept]
    order = list(State)  # the manual reads along the lifecycle, whatever is written where
    return tuple(sorted((*renamed, *more), key=lambda taken: order.index(taken.sources[0])))


def _setting(action: str, figure: object) -> SettingSpec:
    spec = figure if isinstance(figure, SettingSpec) else getattr(getattr(figure, "node", None), "spec", None)
    if not isinstance(spec, SettingSpec):
        raise LawError(f"步骤 {action} 的数字须是参数（…_setting），不能写死", code="law.setting_expected")
    return spec


def _question(action: str, asked: object) -> InterpretationSpec:
    spec = getattr(asked, "spec", None)
    if not isinstance(spec, InterpretationSpec) or set(spec.options) != set(OWN_DAY):
        raise LawError(
            f"步骤 {action} 的 own_day 须是解释口径（interpretation），选项为 {'、'.join(OWN_DAY)}",
            code="law.programme_own_day_malformed",
        )
    return spec
