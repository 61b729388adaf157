"""What waits: each kind appears when it begins to wait, to whoever looks there, and goes when it is done."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.agent_gateway.enrolment import revoke_agents
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import answer_flag, raise_flags
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals
from huisuan.compute.metering.usage.unclaimed import list_unclaimed_usage
from huisuan.compute.models import AgentKey, Centre, MeterFlag, SiteAgent
from huisuan.law.policy import load_policy
from huisuan.parties.models import Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, adopt_proposal, propose_settings
from huisuan.settlement.models import Through
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.todo.items import TodoItem
from huisuan.settlement.todo.queries import list_todo, seal_due_day
from support.usage_records import A800, NOW, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
POLICY = "anhui-agi-2023"
PROVINCE = Viewer(role="province", name="王")
LATER = datetime(2025, 3, 1, 12, tzinfo=SHANGHAI)


def item(kind: str, viewer: Viewer = PROVINCE, now: datetime = LATER) -> TodoItem | None:
    """The one thing of a kind that waits, or nothing."""
    found = [each for each in list_todo(viewer, now) if each.kind == kind]
    assert len(found) <= 1, found
    return found[0] if found else None


def job(number: int, month: int = 3, hours: int = 10) -> dict[str, str]:
    """A run of some hours on the second of a month of 2024."""
    start, end = f"2024-{month:02d}-02T00:00:00", f"2024-{month:02d}-02T{hours:02d}:00:00"
    return line(number, Submit=start, Eligible=start, Start=start, End=end)


def used(*jobs: dict[str, str], at: str = "c1", name: str = "a.txt") -> None:
    """Use of one party, imported and counted by days."""
    tenants = (f"account,uscc\nlab,{party(1).uscc}\n".encode(), "tenants.csv")
    imported(sacct(*jobs), at=at, name=name, tenants=tenants)
    update_all_daily_totals()


def opened(name: str = "c1", region: str = "340100") -> Centre:
    """A centre with a price."""
    made = centre(name)
    Centre.objects.filter(pk=made.pk).update(region=region)
    set_tariff(name, A800, "1000", date(2024, 1, 1))
    return made


@pytest.fixture
def place() -> Centre:
    """A centre of Hefei with a year's use."""
    made = opened()
    used(job(1), job(2, 4))
    return made


def test_a_month_that_is_over_waits_for_its_seal_until_the_register_lists_it(place: Centre) -> None:
    found = item("seal")
    assert found is not None
    assert (found.about, found.count, found.detail) == (place.code, 2, ("2024-03", "2024-04"))
    assert found.due == seal_due_day(Month(2024, 3)) == date(2024, 4, 5)
    assert found.is_overdue(LATER.date())
    assert (found.acts("province"), found.acts("centre")) == (True, False)  # whose agent signs, and who seals
    assert item("seal", now=datetime(2024, 3, 31, tzinfo=SHANGHAI)) is None
    seal_month(place.code, Month(2024, 3), by="王", now=NOW)
    assert (item("seal") or found).detail == ("2024-04", "2024-04")
    seal_month(place.code, Month(2024, 4), by="王", now=NOW)
    assert item("seal") is None


def test_flags_and_corrections_wait_until_they_are_answered(place: Centre) -> None:
    raise_flags(place, [Anomaly(FlagKind.CLOCK, "a", "x"), Anomaly(FlagKind.FORM, "b", "y")], NOW)
    raise_flags(place, [Anomaly(FlagKind.CORRECTION, "c", "z")], NOW + timedelta(days=1))
    flags, corrections = item("flag"), item("correction")
    assert flags is not None
    assert corrections is not None
    assert (flags.count, flags.since, flags.due) == (2, NOW, date(2024, 4, 5))
    assert (corrections.count, corrections.since) == (1, NOW + timedelta(days=1))
    for flag in MeterFlag.objects.all():
        answer_flag(flag.pk, "查实", "王", NOW)
    assert (item("flag"), item("correction")) == (None, None)


def test_use_of_nobody_waits_until_it_is_claimed(place: Centre) -> None:
    assert item("unclaimed") is None
    used({**job(3), "Account": "nobody", "User": "stranger"}, {**job(4), "Account": "other"}, name="b.txt")
    found = item("unclaimed")
    assert found is not None
    assert (found.count, found.card_seconds) == (2, 2 * 10 * 3600 * 8)
    tenants = (f"account,uscc\nnobody,{party(1).uscc}\n".encode(), "tenants.csv")
    imported(sacct({**job(3), "Account": "nobody", "User": "stranger"}), name="c.txt", tenants=tenants)
    update_all_daily_totals()
    left = item("unclaimed")
    kept = [(row["records"], row["card_seconds"]) for row in list_unclaimed_usage(place.code)]
    assert left is not None
    assert [(left.count, left.card_seconds)] == kept


def test_a_proposal_waits_for_another_than_its_author_until_the_day_from_which_it_holds() -> None:
    text = 'authority = "省专班"\ndocument = "1"\nvalid_from = 2025-06-01\n[settings]\n"2.2.rate" = "18%"\n'
    draft = parse_draft(load_policy(POLICY), "x", text)
    made = propose_settings(POLICY, draft, ProposalActor("王", Through.WEB), NOW)
    own, others = item("proposal"), item("proposal", Viewer(role="province", name="李"))
    assert own is not None
    assert others is not None
    assert (own.acts("province"), others.acts("province"), others.due) == (False, True, date(2025, 6, 1))
    adopt_proposal(made.pk, ProposalActor("李", Through.WEB), NOW)
    assert item("proposal") is None


def test_a_correction_that_changes_no_amount_is_settled_and_waits_no_more(place: Centre) -> None:
    first = settle(POLICY, 2024, now=LATER, by="王").run
    used({**job(1), "ExitCode": "1:0", "NodeList": "gpu02"}, name="c.txt")
    assert item("settlement") is not None
    again = settle(POLICY, 2024, now=LATER, by="王")
    assert (again.new, again.run.result_sha256) == (True, first.result_sha256)
    assert item("settlement") is None
    assert not settle(POLICY, 2024, now=LATER, by="王").new


def test_a_correction_that_leaves_the_year_is_settled(place: Centre) -> None:
    crossing = line(7, Submit="2023-12-31T20:00:00", Eligible="2023-12-31T20:00:00", Start="2023-12-31T20:00:00",
                    End="2024-01-01T04:00:00")  # fmt: skip
    used(crossing, name="c.txt")
    settle(POLICY, 2024, now=LATER, by="王")
    used({**crossing, "End": "2023-12-31T21:00:00"}, name="d.txt")
    resolve_flag(MeterFlag.objects.get(kind="correction").pk, "查过", "王", NOW, accept=True)
    update_all_daily_totals()
    found = [each for each in list_todo(PROVINCE, LATER) if each.kind == "settlement" and each.about == "2024"]
    assert [each.detail for each in found] == [("records",)]
    assert settle(POLICY, 2024, now=LATER, by="王").new
    assert not [each for each in list_todo(PROVINCE, LATER) if each.kind == "settlement" and each.about == "2024"]


def test_an_agent_that_was_revoked_is_not_waited_for(place: Centre) -> None:
    key = AgentKey.objects.create(
        centre=place, name="11111111-2222-3333-4444-555555555555", public_key="00" * 32, host="h", enrolled_at=NOW
    )
    SiteAgent.objects.create(
        centre=place, key=key, boot="b", host="h", version="1", engine="slurm", last_seen_at=LATER - timedelta(days=9)
    )
    assert item("agent") is not None
    revoke_agents("c1", "王", LATER)
    assert item("agent") is None


def test_a_year_waits_until_it_is_settled_and_again_once_something_of_it_changed(place: Centre) -> None:
    first = item("settlement")
    assert first is not None
    assert (first.about, first.detail) == ("2024", ("never",))
    settle(POLICY, 2024, now=LATER, by="王")
    assert item("settlement") is None
    used(job(9, 5), name="c.txt")
    assert (item("settlement") or first).detail == ("records",)
    settle(POLICY, 2024, now=LATER, by="王")
    seal_month(place.code, Month(2024, 3), by="王", now=LATER + timedelta(hours=1))
    assert (item("settlement", now=LATER + timedelta(hours=2)) or first).detail == ("seals",)
    settle(POLICY, 2024, now=LATER + timedelta(hours=2), by="王")
    assert item("settlement") is None


def test_use_of_another_year_leaves_a_settled_one_alone(place: Centre) -> None:
    settle(POLICY, 2024, now=LATER, by="王")
    start, end = "2025-01-02T00:00:00", "2025-01-02T05:00:00"
    used(line(20, Submit=start, Eligible=start, Start=start, End=end), name="d.txt")
    assert item("settlement") is None


def test_a_silent_agent_waits_for_its_centre(place: Centre) -> None:
    key = AgentKey.objects.create(centre=place, name="a" * 36, public_key="1" * 64, host="login-1", enrolled_at=NOW)
    agent = SiteAgent.objects.create(
        centre=place, key=key, boot="b" * 36, host="login-1", version="1", engine="local", last_seen_at=LATER
    )
    assert item("agent") is None
    SiteAgent.objects.filter(pk=agent.pk).update(last_seen_at=LATER - timedelta(minutes=5))
    found = item("agent")
    assert found is not None
    assert found.detail == ("login-1",)
    assert (found.acts("centre"), found.acts("province")) == (True, False)


def test_each_sees_what_waits_where_they_look(place: Centre) -> None:
    other = opened("wh", "340200")
    used(job(1), at="wh")
    city = Viewer(role="city", name="x", city="340200")
    assert {each.about for each in list_todo(city, LATER)} == {other.code}
    operator = Viewer(role="centre", name="x", party_id=place.operator_id)
    assert {each.about for each in list_todo(operator, LATER) if each.kind == "seal"} >= {place.code}
    assert list_todo(Viewer(role="user", name="x", party_id=place.operator_id), LATER) == []


def test_the_list_takes_as_many_statements_for_ten_centres_as_for_one(place: Centre) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            list_todo(PROVINCE, LATER)
        return len(queries)

    settle(POLICY, 2024, now=LATER, by="王")
    before = statements()
    for number in range(9):
        made = opened(f"d{number}")
        used(job(1, 1), at=made.code)
        raise_flags(made, [Anomaly(FlagKind.CLOCK, "a", "x")], NOW)
    settle(POLICY, 2024, now=LATER, by="王")
    assert statements() == before


@pytest.fixture
def browsers() -> dict[str, Client]:
    """Signed in, one each."""
    found = {}
    for role in ("province", "city", "auditor"):
        person = Person.objects.create_person(
            role, None, role=role, city=Region.objects.get(code="340100") if role == "city" else None
        )
        found[role] = Client()
        found[role].force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return found


def test_the_page_separates_what_is_mine_links_it_and_filters_it(place: Centre, browsers: dict[str, Client]) -> None:
    signed_in = browsers
    page = signed_in["province"].get(reverse("todo")).content.decode()
    for text in ("由您办", f'href="{reverse("seals")}?centre={place.code}"', "已过期"):
        assert text in page
    assert "由您办" not in signed_in["auditor"].get(reverse("todo")).content.decode()
    narrowed = signed_in["province"].get(reverse("todo"), {"kind": "seal"}).content.decode()
    assert "月份待封账" in narrowed
    assert reverse("runs") not in narrowed.split("<main")[1]
    odd = signed_in["province"].get(reverse("todo"), {"kind": "nonsense"}).content.decode()
    assert "kind=nonsense" in odd
