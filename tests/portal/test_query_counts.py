"""No list asks the database more often when there is more: every page that lists, with twice of everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from support.every_page import page_addresses
from support.relations import relate

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
ROLES = ("alpha", "province", "operator")  # the others' lists are those of the province, narrowed
#: pages of one thing, which tell other things of it as it goes through its states, and what lists nothing stored
OTHERS = {
    "record", "bill", "seal", "entitlement", "job", "proposal", "new-draft", "propose-settings", "budget", "calculator",
    "policy", "settings", "sign-in", "change-password", "new-person", "submit-job",
}  # fmt: skip
#: a page that may ask more often as something grows: route -> what, and why that is bounded
GROWS: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own, for the files of seals; and the budget page on a small sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("huisuan.portal.budget.views.PARTIES", 200)
        yield


def grow(world: World, rounds: range) -> None:
    """Add one more of everything a page lists, for each round."""
    from huisuan.base.months import Month
    from huisuan.compute.metering.seals.seal_month import seal_month
    from huisuan.parties.models import Party, Person
    from huisuan.settlement.runs.settle import settle
    from support import portal as making

    for n in rounds:
        party = making.party(100 + n, f"公司 {n}")
        relate(world.alpha, party)
        person = Person.objects.create_person(f"more-{n}", None, role="user", party=party)
        _centre(n)
        _usage(n, party)
        _waits(world, n, person)
    settle(making.POLICY, 2024, now=making.NOW, by="省专班")
    for n in rounds:
        seal_month("hf", Month(2024, n + 1), by="省专班", now=making.NOW, despite="历史记录")
    assert Party.objects.count() > rounds.stop


def _centre(n: int) -> None:
    from huisuan.compute.centres.services import CentrePlan, add_centre
    from huisuan.compute.centres.tariffs import set_tariff
    from support import portal as making

    operator = making.party(200 + n, f"运营 {n}", "centre_operator")
    partitions = (f"gpu={making.CARD}:4x8:a800",)
    plan = CentrePlan(name=f"中心 {n}", operator=operator.uscc, region="340100", engine=None, partitions=partitions)
    add_centre(f"c{n}", plan)
    set_tariff(f"c{n}", making.CARD, "1000", date(2024, 1, 1))


def _usage(n: int, party: object) -> None:
    from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
    from huisuan.parties.models import Party
    from support import portal as making

    assert isinstance(party, Party)
    tenants = f"account,uscc\nfirm-{n},{party.uscc}\n".encode()
    for centre in ("hf", f"c{n}"):
        lines = [
            making.line(1000 * (n + 1) + month, f"firm-{n}", f"2024-{month:02d}-09T00:00:00", 3, 2)
            for month in range(1, 7)
        ]
        content = "\n".join([making.HEADER, *lines, ""]).encode()
        file = UsageFile(content, f"{centre}-{n}.txt", "sacct", tenants=(tenants, "t.csv"))
        assert import_usage(centre, file, making.NOW).exit_code == 0


def _waits(world: World, n: int, person: object) -> None:
    """Jobs, flags, tokens, messages, events of people."""
    from huisuan.compute.jobs.services import submit_job
    from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
    from huisuan.compute.metering.checks.flags import raise_flags
    from huisuan.compute.models import Centre
    from huisuan.messages.notify import Notice, notify_all
    from huisuan.messages.recipients import Recipients
    from huisuan.parties.identity.audit_trail import Actor
    from huisuan.parties.identity.tokens import issue_token
    from huisuan.parties.models import Person
    from huisuan.parties.viewer import Viewer
    from huisuan.protocol.resources import JobRequest
    from support import portal as making

    assert isinstance(person, Person)
    now = making.NOW + timedelta(minutes=n)
    for owner in (world.alpha, world.beta, person.party):
        viewer = Viewer(role="user", name=person.username, party_id=owner.pk)
        asked = JobRequest.model_validate({"command": ["true"], "name": f"job {n}"})
        submit_job(asked, viewer, now, f"{owner.pk % 1000:03d}{n:07d}".encode())
    for centre in Centre.objects.all():
        raise_flags(centre, [Anomaly(FlagKind.SCHEDULER, f"flag-{n}", "text")], now)
    people = list(Person.objects.filter(machine=False))
    for who in people:
        issue_token(who, f"token {n}", Actor("test"), now)
    to = tuple(Recipients(who.role, str(who.party_id or who.city_id or "")) for who in people)
    notify_all([Notice("job_done", {"name": f"{n}-{k}"}, to, f"told-{n}-{k}") for k in range(3)], now)


def counted(world: World, who: str) -> dict[str, list[str]]:
    """The statements of each page that somebody opens, asked for a second time: caches of the process are warm."""
    browser = world.browser(who)
    found = {}
    for name, address in page_addresses(world).items():
        if name in OTHERS:
            continue
        if browser.get(address).status_code != 200:
            continue
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        found[name] = [query["sql"] for query in queries]
    return found


def test_twice_of_everything_takes_no_more_statements(world: World) -> None:
    from huisuan.parties.models import Person

    world.people["operator"] = Person.objects.create_person("operator", None, role="operator")
    grow(world, range(2))
    before = {who: counted(world, who) for who in ROLES}
    grow(world, range(2, 5))
    more = {}
    for who in ROLES:
        for name, statements in counted(world, who).items():
            allowed = len(before[who].get(name, statements))
            if len(statements) > allowed and name not in GROWS:
                more[f"{who} {name}"] = (allowed, len(statements), repeated(statements))
    assert more == {}


def repeated(statements: list[str]) -> str:
    """The statement that is asked most often, by its beginning."""
    heads = [statement[:160] for statement in statements]
    return max(heads, key=heads.count)
