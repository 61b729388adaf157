"""The calls of a generated year, and the claims handed in under them: some too late, some for what others claim."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.budget import PoolMode
from huisuan.law.policy import Policy
from huisuan.law.procedure import Duty, ObjectKind, ProgrammeSpec, Start
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.queries import claimant
from huisuan.programmes.applications.services import DraftTexts, begin_draft, name_objects
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.calls.services import CallTerms, open_call
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.consents import give_consent
from huisuan.programmes.contract_desk.planning import file_plan
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.generated_year.claims import ClaimTexts, ClaimWriter
from huisuan.programmes.generated_year.people import YearPeople
from huisuan.programmes.generated_year.year_plan import PlannedCall, YearPlan
from huisuan.programmes.models import Call
from huisuan.programmes.payments.budget import appropriate_budget
from huisuan.programmes.submissions.consented import is_about_persons
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment

#: of a hundred claims so many come after the window has closed, and are refused
_LATE = 2
_STEP_FEN = 100_000_00  # of what a city pays
_CLAIM_YUAN = 3_000_000  # of budget per claim that is expected: some calls run short
#: the one target of every plan, and of the contract that follows it
PLANNED = {"code": "T1", "name": "示例指标", "unit": "分"}


@dataclass
class YearCall:
    """A call that was opened, who handed in what, and how many could not, by code of the refusal."""

    planned: PlannedCall
    call: Call
    owners: dict[str, Person] = field(default_factory=dict)
    drafts: dict[str, int] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def spec(self) -> ProgrammeSpec:
        """The programme."""
        return self.planned.programme

    def count_refusal(self, code: str, number: int = 1) -> None:
        """One more that was refused."""
        self.refused[code] = self.refused.get(code, 0) + number


def at_hour(day: date, hour: int = 10) -> datetime:
    """An instant of a day at Asia/Shanghai, in UTC."""
    return datetime.combine(day, time(hour), tzinfo=SHANGHAI).astimezone(UTC)


def year_title(spec: ProgrammeSpec, plan: YearPlan) -> str:
    """What the call of a programme is called; the seed is part of it."""
    return f"{plan.year} 年度{spec.title}（示例 {plan.seed}）"[-120:]


def open_planned(policy: Policy, planned: PlannedCall, people: YearPeople, plan: YearPlan) -> YearCall:
    """Give the programme a budget and publish its call."""
    spec, now = planned.programme, at_hour(planned.first_day, 9)
    treasurer = people.official(Duty.COMMIT.value, _treasury(policy))
    yuan = planned.claims * _CLAIM_YUAN
    document = f"示例〔{plan.year}〕{plan.seed}-{spec.key}"
    line = appropriate_budget(policy.name, spec.key, plan.year, yuan * 100, document, treasurer, now)
    ranked = any(taken.action == "rank" for taken in spec.steps)
    terms = CallTerms(
        policy=policy.name, programme=spec.key, year=plan.year, title=year_title(spec, plan),
        first_day=planned.first_day, last_day=planned.last_day, line=line.pk,
        shortage=(PoolMode.RANK if ranked else PoolMode.PRO_RATA).value, evidence=(),
    )  # fmt: skip
    return YearCall(planned, open_call(terms, publisher(people, spec), now))


def publisher(people: YearPeople, spec: ProgrammeSpec) -> Person:
    """Who publishes what a programme publishes; where nothing stands in public, who registers."""
    found = {taken.duty: taken.office for taken in spec.steps}
    duty = Duty.PUBLISH if Duty.PUBLISH in found else Duty.REGISTER
    return people.official(duty.value, found[duty])


def hand_in(policy: Policy, made: YearCall, people: YearPeople, plan: YearPlan) -> None:
    """Hand in so many claims as planned, at instants of the window, in the order of time."""
    spec = made.spec
    chance = random.Random(f"{plan.seed} {spec.key} window")  # noqa: S311 (a made-up year, no secret)
    writer = ClaimWriter(plan.seed, spec, policy.rule(spec.key), made.planned.cases, date(plan.year, 1, 15))
    window = int((made.planned.last_day - made.planned.first_day).days * 86_400)
    seconds = sorted(chance.randrange(window) for _ in range(made.planned.claims))
    owners, closed = _claimants(made, people), at_hour(made.planned.last_day + timedelta(days=1), 0)
    for at, second in enumerate(seconds):
        now = at_hour(made.planned.first_day, 0) + timedelta(seconds=second)
        sent = closed if chance.randrange(100) < _LATE else now
        owner = owners[chance.randrange(len(owners))]
        texts = writer.write()
        if spec.start is Start.CITY_CLAIM:
            _pay_in_the_city(owner, texts, plan, at, now)
        _hand_in_one(policy, made, owner, texts, now, sent)


def _hand_in_one(
    policy: Policy, made: YearCall, owner: Person, texts: ClaimTexts, now: datetime, sent: datetime
) -> None:  # fmt: skip
    party = claimant(Viewer.for_person(owner))
    if party is None:
        return
    rule = policy.rule(made.spec.key)
    draft = begin_draft(party, owner, policy, rule, DraftTexts(texts.facts), now)
    if texts.named:
        name_objects(draft, texts.named, owner, now)
    try:
        number = submit_draft(made.call.number, draft.pk, owner, sent).number
    except Refused as refusal:
        made.count_refusal(refusal.code)
        return
    if is_about_persons(made.call.edition):
        give_consent(number, "示例人员", f"示例同意书 {number}", sent.date(), owner, sent)
    if declared_contract(made.call.edition):
        file_plan(number, [{**PLANNED, "figure": 60}], owner, sent)
    made.owners[number], made.drafts[number] = owner, draft.pk
    made.fields[number] = next(iter(texts.facts), "")


def _claimants(made: YearCall, people: YearPeople) -> list[Person]:
    """Who may claim under it: cities, or firms; of one city's call, those of that city."""
    if made.spec.start is Start.CITY_CLAIM:
        return list(people.cities.values())
    city = made.call.edition.content.get("city")
    return [one for one in people.owners if not city or (one.party is not None and one.party.region_id == city)]


def _pay_in_the_city(owner: Person, texts: ClaimTexts, plan: YearPlan, at: int, now: datetime) -> None:
    """The voucher of what a city paid for the project that it claims a share of."""
    named = {each["kind"]: each["code"] for each in texts.named}
    project, voucher = named.get(ObjectKind.PROJECT.value), named.get(ObjectKind.VOUCHER.value)
    if project is None or voucher is None or owner.city_id is None:
        return
    claim = PaymentClaim(owner.city_id, voucher, project, _STEP_FEN * (1 + at % 40), date(plan.year, 1, 15))
    with suppress(Refused):  # a voucher that is named again was entered before
        record_city_payment(claim, treasury_act(owner, now), "示例凭证")


def _treasury(policy: Policy) -> str:
    return next(
        taken.office for spec in policy.programmes for taken in spec.steps if taken.duty is Duty.COMMIT
    )  # fmt: skip
