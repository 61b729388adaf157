"""An account that nobody has claimed: whose it may be, claimed by a person with its past use, taken back, on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from stdnum.cn import uscc
from typer.testing import CliRunner

from huisuan.base.errors import HuisuanError
from huisuan.cli.main import assemble
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.metering.cli.claim_commands import claim as claim_command
from huisuan.compute.metering.imports.claims import claim_account, undo_claim
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.imports.suggestions import suggest_claims
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.metering.usage.unclaimed import list_unclaimed_usage
from huisuan.compute.models import AccountClaim, Centre, PendingCorrection, Tenant, UsageRecord
from huisuan.parties.models import Party
from support.portal import CARD, HEADER, line

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)


def party(number: int, name: str, english: str = "") -> Party:
    base = f"91340100MA2P{number:05d}"
    return Party.objects.create(
        uscc=base + str(uscc.calc_check_digit(base)), name=name, name_en=english, kind="enterprise", region_id="340100"
    )


@pytest.fixture
def centre() -> Centre:
    operator = party(9, "运营")
    made = add_centre("c1", CentrePlan("一中心", operator.uscc, "340100", partitions=(f"gpu={CARD}:4x8:a800",)))
    rows = [line(1, "alpha-nlp", "2024-03-01T00:00:00", 10, 4), line(2, "alpha-nlp", "2024-03-02T00:00:00", 1, 2),
            line(3, "mystery", "2024-03-03T00:00:00", 2, 1)]  # fmt: skip
    report = import_usage("c1", UsageFile("\n".join([HEADER, *rows, ""]).encode(), "m.txt", "sacct"), NOW)
    assert report.unclaimed == 3
    return made


def whose() -> dict[str, str]:
    return {each.job_id: each.party.name if each.party else "" for each in current_usage().select_related("party")}


def test_a_party_with_a_like_name_is_suggested_and_a_stranger_is_not(centre: Centre) -> None:
    alpha = party(1, "阿尔法智能有限公司", "Alpha Intelligence Co., Ltd.")
    party(2, "贝塔重工有限公司", "Beta Heavy Industries")
    accounts = suggest_claims("c1")
    assert [(each.name, each.records, each.card_seconds) for each in accounts] == [
        ("alpha-nlp", 2, 42 * 3600), ("mystery", 1, 2 * 3600),
    ]  # fmt: skip
    assert [(one.party, one.why) for one in accounts[0].suggestions] == [(alpha, "likeness")]
    assert accounts[1].suggestions == []


def test_what_another_centre_maps_comes_first(centre: Centre) -> None:
    party(1, "阿尔法智能有限公司", "Alpha Intelligence Co., Ltd.")
    gamma = party(3, "伽马研究院")
    other = Centre.objects.create(code="c2", name="二中心", operator=centre.operator, region_id="340100")
    Tenant.objects.create(centre=other, kind="account", name="alpha-nlp", party=gamma)
    assert [one.why for one in suggest_claims("c1")[0].suggestions] == ["elsewhere", "likeness"]


def test_a_claim_takes_past_use_with_it_and_later_files_too(centre: Centre) -> None:
    alpha = party(1, "阿尔法")
    done = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    assert (done.files, done.records, done.waiting) == (1, 2, 0)
    assert whose() == {"1": "阿尔法", "2": "阿尔法", "3": ""}
    assert UsageRecord.objects.count() == 5  # nothing was changed: the old records are superseded
    assert [row["account"] for row in list_unclaimed_usage("c1")] == ["mystery"]
    later = "\n".join([HEADER, line(9, "alpha-nlp", "2024-05-01T00:00:00", 1, 1), ""]).encode()
    import_usage("c1", UsageFile(later, "n.txt", "sacct"), NOW)
    assert whose()["9"] == "阿尔法"


def test_a_claim_is_taken_back_what_was_metered_waits_for_a_person_and_both_stay_on_record(centre: Centre) -> None:
    alpha = party(1, "阿尔法")
    first = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW).claim
    back = undo_claim(first.pk, "省专班", NOW)
    assert (back.claim.party, back.claim.previous, back.waiting) == (None, alpha, 2)
    assert PendingCorrection.objects.count() == 2
    assert whose()["1"] == "阿尔法"  # until somebody confirms
    assert not Tenant.objects.filter(name="alpha-nlp").exists()
    with pytest.raises(HuisuanError, match="又改过"):
        undo_claim(first.pk, "省专班", NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        AccountClaim.objects.filter(pk=first.pk).update(by="别人")


@pytest.mark.parametrize(
    ("kind", "name", "code"), [("", "x", "claim.malformed"), ("user", "", "claim.malformed"),
                               ("account", "宽" * 121, "claim.malformed")],
)  # fmt: skip
def test_what_is_no_account_is_refused(centre: Centre, kind: str, name: str, code: str) -> None:
    with pytest.raises(HuisuanError) as refusal:
        claim_account("c1", kind, name, party(1, "阿尔法").uscc, "省专班", NOW)
    assert refusal.value.code == code
    assert not AccountClaim.objects.exists()


def test_claiming_twice_is_refused_and_changes_nothing(centre: Centre) -> None:
    alpha = party(1, "阿尔法")
    claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    with pytest.raises(HuisuanError) as refusal:
        claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    assert (refusal.value.code, AccountClaim.objects.count()) == ("claim.same", 1)


def test_the_commands_suggest_claim_and_take_back(centre: Centre) -> None:
    alpha = party(1, "阿尔法智能", "Alpha Intelligence")
    assert claim_command.__module__.endswith("claim_commands")
    run, app = CliRunner(), assemble()
    (account, _) = json.loads(run.invoke(app, ["usage", "suggest", "--centre", "c1", "--json"]).stdout)
    assert account["suggestions"][0]["uscc"] == alpha.uscc
    made = json.loads(run.invoke(app, ["usage", "claim", "c1", "alpha-nlp", alpha.uscc, "--json"]).stdout)
    assert (made["records"], made["uscc"]) == (2, alpha.uscc)
    back = run.invoke(app, ["usage", "unclaim", str(made["number"])])
    assert "等人确认 2 条" in back.stdout
