"""What happens in the rooms is told to those whom it concerns, once: seals, results, what waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import Centre
from huisuan.compute.tasks import tell_due_seals
from huisuan.messages.models import Message
from huisuan.parties.models import Person
from huisuan.settlement.runs.settle import settle
from support.browser import proposal
from support.portal import HEADER, NOW, POLICY, World, line

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own, for the files of seals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def told(code: str) -> set[str]:
    return set(Message.objects.filter(code=code).values_list("person__username", flat=True))


def test_a_sealed_month_is_told_to_centre_city_province_and_those_who_used_it(world: World) -> None:
    seal_month("hf", Month.parse("2024-01"), by="省专班", now=NOW, despite="历史记录")
    assert told("month_sealed") == {"centre", "city", "province"}
    assert told("month_sealed_for_user") == {"alpha"}  # beta used nothing in January
    links = set(Message.objects.filter(kind="month_sealed").values_list("code", "link"))
    assert links == {("month_sealed", "/seals/hf/2024-01"), ("month_sealed_for_user", "/usage/?centre=hf")}
    for who, page in (("centre", "/seals/hf/2024-01"), ("alpha", "/usage/?centre=hf")):
        assert world.browser(who).get(page).status_code == 200


def test_a_month_that_waits_to_be_sealed_is_told_once(world: World) -> None:
    for day in range(2):
        tell_due_seals.func(timestamp=int((NOW + timedelta(days=day)).timestamp()))
    assert (told("seal_due"), Message.objects.filter(key="seal-due:hf:2024-01").count()) == ({"centre", "province"}, 2)


def test_a_result_that_changes_is_told_to_whose_it_is_and_to_nobody_else(world: World) -> None:
    lines = "\n".join([HEADER, line(900, "beta", "2024-05-09T00:00:00", 10, 8), ""]).encode()
    import_usage("hf", UsageFile(lines, "more.txt", "sacct"), NOW)
    run = settle(POLICY, 2024, now=NOW, by="省专班").run
    assert (told("entitlement_changed"), told("run_done")) == ({"beta"}, {"province"})
    message = Message.objects.get(code="entitlement_changed")
    assert message.values["before"] != message.values["amount"]
    assert world.browser("beta").get(message.link).status_code == 200
    assert world.browser("alpha").get(message.link).status_code == 404
    again = settle(POLICY, 2024, now=NOW, by="省专班").run
    assert (again.pk, Message.objects.filter(code="run_done").count()) == (run.pk, 1)


def test_a_proposal_waits_for_another_person_than_who_made_it(world: World) -> None:
    Person.objects.create_person("second", None, role="province")
    proposal()
    told_to = told("proposal_made")
    assert "second" in told_to
    assert told_to <= {"second", "province"}


def test_flags_are_told_once_a_day_and_centre(world: World) -> None:
    centre = Centre.objects.get(code="hf")
    Message.objects.all().delete()
    for number in range(3):
        raise_flags(centre, [Anomaly(FlagKind.SCHEDULER, f"k{number}", "text")], NOW)
    raise_flags(centre, [], NOW + timedelta(days=1))
    raise_flags(centre, [Anomaly(FlagKind.SCHEDULER, "k0", "text")], NOW + timedelta(days=1))  # known already
    assert (told("flags_raised"), Message.objects.count()) == ({"centre", "province"}, 2)


def test_the_price_of_nothing_tells_nobody(world: World) -> None:
    set_tariff("hf", "CPU-SLOT", "1", date(2024, 1, 1))
    settle(POLICY, 2024, now=NOW, by="省专班")
    assert told("entitlement_changed") == told("entitlement_new") == set()
