"""An entitlement tells how firm it is: what is sealed and by whom, what would change it, where its claim is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import Centre, MeterFlag
from huisuan.law.policy import load_policy
from huisuan.parties.models import Person
from huisuan.programmes.claims import claim_drafts
from huisuan.programmes.models import Draft
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, propose_settings
from huisuan.settlement.models import Entitlement, Through
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.standing.queries import Standing, standing_of
from support.accounts import make_token
from support.usage_records import A800, NOW, centre, imported, line, party, records, sacct

pytestmark = pytest.mark.django_db
POLICY, TODAY = "anhui-agi-2023", date(2026, 1, 5)
OTHER_SETTING = '"5.1.rate" = "18%"'


def job(number: int, month: int, user: str = "zhang") -> dict[str, str]:
    """Ten hours on the second of a month of 2024."""
    start, end = f"2024-{month:02d}-02T00:00:00", f"2024-{month:02d}-02T10:00:00"
    return line(number, Submit=start, Eligible=start, Start=start, End=end, User=user)


def used(*jobs: dict[str, str], name: str = "a.txt") -> None:
    tenants = f"user,uscc\nzhang,{party(1).uscc}\nli,{party(2).uscc}\n".encode()
    imported(sacct(*jobs), name=name, tenants=(tenants, "t.csv"))


@pytest.fixture
def place() -> Centre:
    """A centre with a price, and March and April 2024 of two parties."""
    made = centre()
    set_tariff("c1", A800, "1000", date(2024, 1, 1))
    used(job(1, 3), job(2, 4), job(3, 3, "li"))
    return made


def owed(number: int = 1) -> Entitlement:
    """What stands for a party after settling now."""
    run = settle(POLICY, 2024, now=NOW, by="王").run
    return Entitlement.objects.select_related("run", "party__region").get(run=run, party=party(number))


def standing(of: Entitlement) -> Standing:
    return standing_of(of, TODAY)


def test_each_month_says_whether_it_is_sealed_by_whom_and_whether_the_run_rests_on_it(place: Centre) -> None:
    seal_month("c1", Month(2024, 3), by="封账人", now=NOW - timedelta(days=1))
    entitled = owed()
    march, april = standing(entitled).months
    assert march.seal is not None
    assert (march.seal.sealed_by, march.in_run, april.seal) == ("封账人", True, None)
    found = standing(entitled)
    assert (found.sealed, found.unsealed, found.is_firm) == (1, 1, False)
    seal_month("c1", Month(2024, 4), by="封账人", now=NOW + timedelta(hours=1))
    april = standing(entitled).months[1]
    assert (april.seal is not None, april.in_run) == (True, False)
    assert standing(entitled).is_firm


def test_open_flags_and_corrections_count_for_the_party_whose_record_they_are_about(place: Centre) -> None:
    mine = next(each for each in records() if each.party == party(1))
    raise_flags(place, [Anomaly(FlagKind.OVER_CAPACITY, "a", "x", sequence=mine.sequence)], NOW)
    first, other = owed(), owed(2)
    assert (standing(first).flags, standing(other).flags) == (1, 0)
    shorter = {**job(1, 3), "End": "2024-03-02T04:00:00"}
    used(shorter, name="b.txt")
    assert (standing(first).corrections, standing(other).corrections) == (1, 0)


def test_a_correction_that_would_give_a_party_a_record_counts_for_it_as_for_the_one_that_would_lose_it(
    place: Centre,
) -> None:
    first, other = owed(), owed(2)
    used({**job(1, 3), "User": "li"}, name="b.txt")
    assert (standing(first).corrections, standing(other).corrections) == (1, 1)
    assert not standing(other).is_firm
    start, end = "2023-03-02T00:00:00", "2023-03-02T10:00:00"
    earlier = line(8, Submit=start, Eligible=start, Start=start, End=end)
    used(earlier, name="c.txt")
    used({**earlier, "User": "li"}, name="d.txt")  # of another year
    assert (standing(first).corrections, standing(other).corrections) == (1, 1)


def test_a_record_that_was_taken_from_a_party_since_counts_as_one_that_came(place: Centre) -> None:
    first, other = owed(), owed(2)
    used({**job(1, 3), "User": "li"}, name="b.txt")
    flag = MeterFlag.objects.get(kind="correction", answered_at=None)
    resolve_flag(flag.pk, "查过", "省专班", NOW, accept=True)
    assert (standing(first).records, standing(other).records) == (1, 1)
    assert not standing(first).is_firm
    assert standing(owed()).records == 0


def test_records_that_came_since_and_the_run_that_took_its_place_are_said(place: Centre) -> None:
    old = owed()
    used(job(9, 5), job(10, 5, "li"), job(11, 5, "li"), name="b.txt")
    assert standing(old).records == 1
    new = owed()
    found = standing(old)
    assert (found.newer, found.newer_amount_fen, found.newer_number) == (new.run, new.amount_fen, new.pk)
    assert standing(new).newer is None


def test_a_proposal_that_touches_the_sentence_waits_and_one_that_does_not_is_no_matter(place: Centre) -> None:
    entitled = owed()
    head = 'authority = "省专班"\ndocument = "1"\nvalid_from = 2025-06-01\n[settings]\n'
    policy = load_policy(POLICY)
    for text in ('"2.2.rate" = "18%"', OTHER_SETTING):
        propose_settings(POLICY, parse_draft(policy, "x", f"{head}{text}\n"), ProposalActor("王", Through.WEB), NOW)
    assert standing(entitled).proposals == 1


def test_it_takes_as_many_statements_for_twelve_months_as_for_two(place: Centre) -> None:
    def statements(entitled: Entitlement) -> int:
        with CaptureQueriesContext(connection) as queries:
            standing_of(entitled, TODAY)
        return len(queries)

    two = statements(owed())
    used(*(job(100 + month, month) for month in range(5, 13)), name="b.txt")
    assert statements(owed()) == two


def test_the_page_and_the_api_say_it_to_the_firm_and_nothing_of_what_others_used(place: Centre, client: Client) -> None:
    seal = seal_month("c1", Month(2024, 3), by="封账人", now=NOW - timedelta(days=1))
    entitled = owed()
    person = Person.objects.create_person("zhang", None, role="user", party=party(1))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("entitlement", args=[entitled.pk])).content.decode()
    for text in (seal.root, "封账人", "未封", "还没有草稿"):
        assert text in page
    assert party(2).name not in page
    assert str(seal.card_seconds) not in page.replace(",", "")
    now = datetime.now(UTC)
    Draft.objects.create(
        party=party(1), owner=person, policy=POLICY, digest="0" * 64, rule="2.2", created_at=now, updated_at=now,
        updated_by=person,
    )  # fmt: skip
    assert len(claim_drafts(entitled)) == 1
    bearer = {"headers": {"Authorization": f"Bearer {make_token('user', party=party(1).uscc)[1]}"}}
    answer = client.get(f"/api/v1/entitlements/E{entitled.pk}/standing", **bearer).json()
    assert answer["standing"]["months"][0]["root"] == seal.root
    assert answer["standing"]["would_change"]["unsealed_months"] == 1
    assert len(answer["claim"]) == 1
    other = {"headers": {"Authorization": f"Bearer {make_token('user', party=party(2).uscc)[1]}"}}
    assert client.get(f"/api/v1/entitlements/E{entitled.pk}/standing", **other).status_code == 404
