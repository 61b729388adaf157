"""A province full of applications for `bench/programme_pages.py`: what is made by the services and what is not.

By the services: the applications themselves, every official's act in acts of 3,000, calls, registers, the freezing of
the decision sheet, commitments. Written by this file straight into the tables, a thousand rows a statement, through
the same constraints and triggers: firms and their people, the drafts, submissions and first steps of the applicants
(each with its true hash), accounts of payees, the answers of checks. So it is made in minutes, and no row is there
that the database would refuse.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

POLICY, YEAR = "anhui-agi-2023", 2024
BEGUN = datetime(2024, 9, 2, 2, tzinfo=UTC)
CHECKED, PUBLIC = BEGUN + timedelta(days=30), BEGUN + timedelta(days=33)
DECIDED, COMMITTED = BEGUN + timedelta(days=60), BEGUN + timedelta(days=63)
FIRMS, AT_ONCE = 1000, 3000
#: claims of the call that has a decision sheet; of a hundred of the others so many are checked, of a hundred of those
#: under 14.1 so many are decided and committed
IN_CALL, _CHECKED, _COMMITTED = 3000, 70, 40
_FEN = 1_000_000_00
_FACTS = {"national": "2", "international": "0", "published_on": "2024-03-01"}
#: programmes of firms that begin without a call's papers here
KEYS = ("14.1", "14.1", "7.1", "5.2", "9.1", "6.2")


class World:
    """Who is there, and the number of the call that has a sheet."""

    def __init__(self) -> None:
        from huisuan.law.policy import load_policy

        self.law = load_policy(POLICY)
        self.chance = random.Random(7)
        self.people: dict[str, Any] = {}
        self.firms: list[Any] = []
        self.owners: dict[int, Any] = {}
        self.call = ""

    def to_dict(self) -> dict[str, Any]:
        """What addresses name, and who signs in."""
        from huisuan.programmes.models import Application

        return {
            "CALL": self.call, "PARTY": self.firms[0].uscc, "NUMBER": Application.objects.latest("pk").number,
            "people": {key: one.username for key, one in self.people.items()},
        }  # fmt: skip


def fill(count: int) -> World:
    """So many applications in all."""
    from django.db import connection

    world = World()
    _people(world)
    _register(world)
    _call(world, min(IN_CALL, count // 10))
    for key, many in _parts(count - min(IN_CALL, count // 10)):
        for done in range(0, many, AT_ONCE):
            _apply(world, key, min(AT_ONCE, many - done))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return world


def _parts(count: int) -> Iterator[tuple[str, int]]:
    for at, key in enumerate(KEYS):
        yield key, (count + at) // len(KEYS)


def _people(world: World) -> None:
    from stdnum.cn import uscc

    from huisuan.parties.models import Party, Person, Region
    from huisuan.programmes.offices import give_post, is_city, offices_in, store_offices

    store_offices([world.law])
    cities = [place for place in Region.objects.all() if is_city(place)]
    bases = [f"91{world.chance.choice(cities).code}MA9{at:06d}" for at in range(FIRMS)]
    world.firms = Party.objects.bulk_create(
        Party(uscc=base + uscc.calc_check_digit(base), name=f"示例人工智能{at:05d}有限公司", kind="enterprise",
              region_id=base[2:8], registered_on=date(2020, 3, 1))
        for at, base in enumerate(bases)
    )  # fmt: skip
    Person.objects.bulk_create(
        Person(username=f"firm{at}", name=f"负责人{at}", role="user", party=firm, password="!")
        for at, firm in enumerate(world.firms)
    )
    people = Person.objects.filter(role="user").select_related("party").order_by("pk")  # the database made them owners
    world.owners = {one.party_id: one for one in people}
    make = Person.objects.create_person
    world.people = {"firm": people[0], "giver": make("giver", None, role="province")}
    hefei = Region.objects.get(code="340100")
    world.people["city"] = make("hefei", None, role="city", city=hefei)
    make("auditor", None, role="auditor")
    wanted = sorted({
        (taken.duty.value, office) for key in {*KEYS} for taken in world.law.programme(key).steps
        if taken.duty.value != "apply" for office in offices_in(hefei, taken.office)
    })  # fmt: skip
    for at, (duty, office) in enumerate(wanted):
        found = make(f"{duty}{at}", None, role="province")
        give_post(found, office, duty, date(2024, 1, 1), world.people["giver"], BEGUN)
        world.people[f"{duty} {office}"] = found


def _register(world: World) -> None:
    """All firms are on the register of firms of general AI, from a file as an office imports it."""
    from huisuan.law.procedure import FieldKind
    from huisuan.programmes.offices import give_post
    from huisuan.programmes.registers.services import import_register

    spec = next(one for one in world.law.registers if one.key == "agi_firms")
    keeper = world.people["giver"]
    give_post(keeper, spec.office, "register", date(2024, 1, 1), _official(world, "14.1", "check"), BEGUN)
    cells = {one.key: "示例" if one.kind is FieldKind.TEXT else "0" for one in spec.fields if one.required}
    cells |= {
        one.key: next(iter(one.options.values()))[0]
        for one in spec.fields if one.required and one.kind is FieldKind.CHOICE
    }  # fmt: skip
    rows = [
        cells | {"code": f"AGI-{at:05d}", "name": firm.name, "holder": firm.uscc, "from": "2024-01-01"}
        for at, firm in enumerate(world.firms)
    ]
    lines = [",".join(row.get(key, "") for key in spec.columns) for row in rows]
    content = "\n".join([",".join(spec.columns.values()), *lines]).encode()
    import_register(content, "名录.csv", POLICY, spec.key, by=keeper, now=BEGUN - timedelta(days=9))


def _official(world: World, key: str, action: str) -> Any | None:
    """Who takes an action of a programme; None: it has none, or every city's office takes it."""
    steps = [taken for taken in world.law.programme(key).steps if taken.action == action]
    return world.people.get(f"{steps[0].duty.value} {steps[0].office}") if steps else None


def _apply(world: World, key: str, many: int) -> None:
    """So many applications of firms under a programme, some of them further on their way."""
    from huisuan.programmes.workflow import begin_applications

    firms = [world.chance.choice(world.firms) for _ in range(many)]
    begun = begin_applications(world.law, key, YEAR, firms, world.people["giver"], BEGUN)
    _hand_in(world, begun)
    good = [one for one in begun if world.chance.randrange(100) < _CHECKED]
    _take(world, key, "check", good, CHECKED)
    further = good[: len(good) * _COMMITTED // 100] if key == "14.1" else []
    if not further:
        return
    _accounts(world, further)
    _take(world, key, "publicise", further, PUBLIC)
    _take(world, key, "decide", further, DECIDED, amount_fen=_FEN)
    _budget(world, key, len(further) * _FEN)
    _take(world, key, "commit", further, COMMITTED)


def _take(world: World, key: str, action: str, those: Sequence[Any], at: datetime, **more: Any) -> None:
    from huisuan.programmes.workflow import act_on_many

    by = _official(world, key, action)
    if by is None or not those:
        return
    done = act_on_many([one.number for one in those], action, by, at, reason="按规定办理", **more)
    if len(done.done) < len(those):
        said = next(iter(done.refused.values()))
        raise SystemExit(f"{key} {action}: {len(done.refused)} refused, {said.code}: {said}")


def _hand_in(world: World, begun: Sequence[Any]) -> list[Any]:
    """The first step of each, by its firm's person: written here, with its true hash."""
    from huisuan.programmes.models import NO_HASH, ApplicationStep, DutyHeld
    from huisuan.programmes.workflow.history import step_hash

    owners = [world.owners[one.party_id] for one in begun]
    DutyHeld.objects.bulk_create(
        DutyHeld(application=one, person=owner, duty="apply") for one, owner in zip(begun, owners, strict=True)
    )
    steps = [
        ApplicationStep(
            application=one, number=1, previous=None, edition_id=one.edition_id, action="submit", from_state="draft",
            to_state="submitted", duty="apply", person=owner, post=None, at=BEGUN, reason="", payload={}, key="",
            previous_hash=NO_HASH,
        )
        for one, owner in zip(begun, owners, strict=True)
    ]  # fmt: skip
    for step in steps:
        step.hash = step_hash(step)
    return ApplicationStep.objects.bulk_create(steps)


def _accounts(world: World, those: Sequence[Any]) -> None:
    from huisuan.programmes.models import PayeeAccount

    PayeeAccount.objects.bulk_create(
        PayeeAccount(
            application=one, number=1, name=one.party.name, account_number=f"13020101{one.party_id:011d}",
            bank="示例银行", given_by=world.owners[one.party_id], given_at=BEGUN,
        )
        for one in those
    )  # fmt: skip


def _budget(world: World, key: str, fen: int) -> Any:
    from huisuan.programmes.payments.budget import appropriate_budget

    document = f"皖财〔2024〕{world.chance.randrange(10**9)} 号"
    at = BEGUN - timedelta(days=9)
    return appropriate_budget(POLICY, key, YEAR, fen, document, _official(world, key, "commit"), at)


def _call(world: World, many: int) -> None:
    """A call whose budget does for half of its claims; all of them are checked, and its sheet is frozen.

    The first claim is handed in and checked by the services; what these left is repeated for the others.
    """
    from huisuan.programmes.calls.services import CallTerms, open_call
    from huisuan.programmes.calls.submit import submit_draft
    from huisuan.programmes.check_desk.checking import check_application
    from huisuan.programmes.models import Draft
    from huisuan.programmes.review_desk.decision_sheet import freeze_sheet
    from huisuan.programmes.workflow import begin_application

    line = _budget(world, "14.1", many * _FEN // 4)
    terms = CallTerms(
        policy=POLICY, programme="14.1", year=YEAR, title="2024 年标准制定奖补", first_day=date(2024, 9, 1),
        last_day=date(2024, 9, 30), shortage="pro_rata", line=line.pk, evidence=(),
    )  # fmt: skip
    call = open_call(terms, _official(world, "14.1", "publicise"), BEGUN - timedelta(days=5))
    owners = [world.owners[world.chance.choice(world.firms).pk] for _ in range(many)]
    drafts = Draft.objects.bulk_create(
        Draft(
            party=owner.party, owner=owner, policy=POLICY, digest=world.law.digest, rule="14.1", facts=_FACTS,
            named=[{"kind": "standard", "code": f"GB/T {10_000 + 2 * at + more}-2023"} for more in range(2)],
            created_at=BEGUN, updated_at=BEGUN, updated_by=owner,
        )
        for at, owner in enumerate(owners)
    )  # fmt: skip
    first = submit_draft(call.number, drafts[0].pk, owners[0], BEGUN)
    check_application(first.number, _official(world, "14.1", "check"), CHECKED)
    rest = [
        begin_application(world.law, "14.1", YEAR, owner, BEGUN, draft=draft, call=call)
        for draft, owner in zip(drafts[1:], owners[1:], strict=True)
    ]
    _repeat_submission(first, rest, _hand_in(world, rest))
    _repeat_checks(first, rest)
    _take(world, "14.1", "check", [first, *rest], CHECKED)
    freeze_sheet(call.number, _official(world, "14.1", "decide"), PUBLIC)
    world.call = call.number


def _repeat_submission(first: Any, rest: Sequence[Any], steps: Sequence[Any]) -> None:
    from huisuan.programmes.models import ApplicationSubmission, ClaimObject
    from huisuan.programmes.submissions.record import submission_hash

    said, held = first.submissions.get(), first.claim_objects.first()
    made = []
    for one, step in zip(rest, steps, strict=True):
        named = [each | {"code": each["code"].upper(), "typed": each["code"]} for each in one.draft.named]
        made.append(ApplicationSubmission(
            application=one, version=1, step=step, draft_version=1, facts=said.facts, known=said.known, evidence=[],
            task="", named=named, law=said.law, read_on=said.read_on, by=step.person, at=step.at,
        ))  # fmt: skip
        made[-1].hash = submission_hash(made[-1])
    ClaimObject.objects.bulk_create(
        ClaimObject(
            application=each.application, submission=each, policy=held.policy, ground=held.ground, kind=held.kind,
            series=held.series, year=held.year, code=one["code"].replace(" ", ""), typed=one["typed"],
        )
        for each in ApplicationSubmission.objects.bulk_create(made) for one in each.named
    )  # fmt: skip


def _repeat_checks(first: Any, rest: Sequence[Any]) -> None:
    from huisuan.programmes.models import ApplicationCheck, ApplicationSubmission

    answers = list(first.check_answers.all())
    made = dict(ApplicationSubmission.objects.filter(application__in=rest).values_list("application_id", "pk"))
    ApplicationCheck.objects.bulk_create(
        (
            ApplicationCheck(
                application=one, submission_id=made[one.pk], round=1, kind=each.kind, passed=each.passed,
                reason=each.reason, saw=each.saw, by=each.by, at=each.at,
            )
            for one in rest for each in answers
        ),
        batch_size=AT_ONCE,
    )  # fmt: skip
