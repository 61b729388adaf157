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
from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport, import_usage
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.metering.imports.suggestions import suggest_claims
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.metering.usage.unclaimed import list_unclaimed_usage
from huisuan.compute.models import AccountClaim, Centre, MeterFlag, PendingCorrection, Tenant, UsageRecord
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from support.portal import CARD, HEADER, line

pytestmark = pytest.mark.django_db
PROVINCE = Viewer(role="province", name="省专班")
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
    accounts = suggest_claims(PROVINCE, "c1")
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
    assert [one.why for one in suggest_claims(PROVINCE, "c1")[0].suggestions] == ["elsewhere", "likeness"]


def test_a_centre_is_not_told_whom_another_centre_maps(centre: Centre) -> None:
    gamma = party(3, "伽马研究院")
    mine = Centre.objects.create(code="c3", name="三中心", operator=centre.operator, region_id="340100")
    theirs = Centre.objects.create(code="c2", name="二中心", operator=party(8, "别家"), region_id="340200")
    Tenant.objects.create(centre=theirs, kind="account", name="alpha-nlp", party=gamma)
    own = Viewer(role="centre", name="运维", party_id=centre.operator_id)
    city = Viewer(role="city", name="市", city="340100")
    for viewer, told in ((own, []), (city, []), (PROVINCE, ["elsewhere"])):
        assert [one.why for one in suggest_claims(viewer, "c1")[0].suggestions] == told
    Tenant.objects.create(centre=mine, kind="account", name="alpha-nlp", party=gamma)
    assert [one.why for one in suggest_claims(own, "c1")[0].suggestions] == ["elsewhere"]
    stranger = Viewer(role="centre", name="别家", party_id=theirs.operator_id)
    assert suggest_claims(stranger) == []
    assert len(suggest_claims(own)) == 2


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


def waiting() -> list[MeterFlag]:
    """The corrections that wait for a person, in their order."""
    return list(MeterFlag.objects.filter(kind="correction", answered_at=None).order_by("pk"))


def answered(*, accept: bool) -> None:
    """Answer all that wait."""
    for flag in waiting():
        resolve_flag(flag.pk, "查过", "省专班", NOW, accept=accept)


def test_a_correction_that_was_refused_is_asked_again_when_the_account_is_mapped_anew(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    for _ in range(2):
        first = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW).claim
        assert undo_claim(first.pk, "省专班", NOW).waiting == len(waiting()) == 2
        answered(accept=False)
    assert set(whose().values()) == {"阿尔法", ""}  # refused twice: what was metered stays as it is
    for _ in range(2):
        done = claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
        assert done.waiting == len(waiting()) == 2
        answered(accept=False)
        claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
    answered(accept=True)
    assert whose() == {"1": "贝塔", "2": "贝塔", "3": ""}


def test_a_mapping_file_that_moves_an_account_back_and_forth_is_asked_about_each_time(centre: Centre) -> None:
    rows = [line(1, "alpha-nlp", "2024-03-01T00:00:00", 10, 4)]
    content = "\n".join([HEADER, *rows, ""]).encode()
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")

    def mapped(whom: Party) -> UsageReport:
        tenants = (f"account,uscc\nalpha-nlp,{whom.uscc}\n".encode(), "t.csv")
        return import_usage("c1", UsageFile(content, "again.txt", "sacct", tenants=tenants), NOW)

    assert (mapped(alpha).waiting, whose()["1"]) == (0, "阿尔法")
    for _ in range(2):
        assert (mapped(beta).waiting, len(waiting())) == (1, 1)
        assert mapped(beta).waiting == len(waiting()) == 1  # the same file again: asked once
        answered(accept=False)
        again = mapped(beta)
        assert (again.waiting, again.turned_down, waiting()) == (0, 1, [])
        mapped(alpha)


def test_a_correction_does_not_outlive_the_mapping_that_made_it(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    wrong = claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
    (first, second) = waiting()
    for text in ("主体由 阿尔法（", "改为 贝塔（", alpha.uscc, beta.uscc):
        assert text in first.text
    assert undo_claim(wrong.claim.pk, "省专班", NOW).waiting == 0
    assert waiting() == []
    with pytest.raises(HuisuanError) as refusal:
        resolve_flag(first.pk, "查过", "省专班", NOW, accept=True)
    assert refusal.value.code == "flag.already_answered"
    second.refresh_from_db()
    assert (second.answered_by, set(whose().values())) == ("平台", {"阿尔法", ""})


def test_a_correction_of_the_time_is_asked_anew_for_the_party_that_the_account_has_now(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    shorter = "\n".join([HEADER, line(1, "alpha-nlp", "2024-03-01T00:00:00", 5, 4), ""]).encode()
    assert import_usage("c1", UsageFile(shorter, "n.txt", "sacct"), NOW).waiting == 1
    claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
    shorter_one = [flag for flag in waiting() if "改为 72,000 卡秒" in flag.text]
    assert [flag.text.count("改为 贝塔") for flag in shorter_one] == [1]
    resolve_flag(shorter_one[0].pk, "查过", "省专班", NOW, accept=True)
    assert (whose()["1"], current_usage().get(job_id="1").card_seconds) == ("贝塔", 5 * 4 * 3600)


def test_a_correction_of_the_time_that_a_mapping_back_and_forth_closed_waits_again(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    shorter = "\n".join([HEADER, line(1, "alpha-nlp", "2024-03-01T00:00:00", 5, 4), ""]).encode()
    import_usage("c1", UsageFile(shorter, "n.txt", "sacct"), NOW)
    wrong = claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW).claim
    assert undo_claim(wrong.pk, "省专班", NOW).waiting == 1
    (flag,) = waiting()
    assert ("主体由" in flag.text, flag.occasion) == (False, 2)
    resolve_flag(flag.pk, "查过", "省专班", NOW, accept=True)
    assert (whose()["1"], current_usage().get(job_id="1").card_seconds) == ("阿尔法", 5 * 4 * 3600)


def test_a_correction_is_not_accepted_for_a_party_that_the_account_has_no_more(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
    Tenant.objects.filter(name="alpha-nlp").update(party=alpha)  # past the services, as an older release did
    with pytest.raises(HuisuanError) as refusal:
        resolve_flag(waiting()[0].pk, "查过", "省专班", NOW, accept=True)
    assert (refusal.value.code, len(waiting())) == ("correction.mapping_changed", 2)


def test_an_account_that_a_name_of_either_kind_maps_goes_back_to_that_party(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    Tenant.objects.create(centre=centre, kind="", name="alpha-nlp", party=alpha)
    with pytest.raises(HuisuanError) as refusal:
        claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    assert refusal.value.code == "claim.same"
    moved = claim_account("c1", "account", "alpha-nlp", beta.uscc, "省专班", NOW)
    assert moved.claim.previous == alpha
    back = undo_claim(moved.claim.pk, "省专班", NOW).claim
    assert (back.party, back.previous) == (alpha, beta)
    assert [(each.kind, each.party) for each in Tenant.objects.filter(name="alpha-nlp")] == [("", alpha)]
    answered(accept=True)
    assert whose()["1"] == "阿尔法"


def mapped_by_file(column: str, whom: Party) -> UsageReport:
    """Import a file with a mapping of the account."""
    content = "\n".join([HEADER, line(9, "alpha-nlp", "2024-05-01T00:00:00", 1, 1), ""]).encode()
    tenants = (f"{column},uscc\nalpha-nlp,{whom.uscc}\n".encode(), "t.csv")
    return import_usage("c1", UsageFile(content, "n.txt", "sacct", tenants=tenants, by="zhang"), NOW)


def test_what_a_mapping_file_gives_to_another_party_is_on_record_and_can_be_taken_back(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW).claim
    mapped_by_file("account", beta)
    kept = AccountClaim.objects.exclude(pk=claim.pk).get()
    assert (kept.by, kept.why, kept.party, kept.previous) == ("zhang", "对应表 t.csv", beta, alpha)
    with pytest.raises(HuisuanError) as refusal:
        undo_claim(claim.pk, "省专班", NOW)
    assert (refusal.value.code, Tenant.objects.get(name="alpha-nlp").party) == ("claim.not_the_last", beta)
    undo_claim(kept.pk, "省专班", NOW)
    assert Tenant.objects.get(name="alpha-nlp").party == alpha
    mapped_by_file("account", alpha)  # nothing changes, and nothing is put on record
    assert AccountClaim.objects.count() == 3


@pytest.mark.parametrize("column", ["account", "user", "name"])
def test_the_first_mapping_by_a_file_is_on_record_like_one_of_the_page_and_is_taken_back(
    centre: Centre, column: str
) -> None:
    alpha = party(1, "阿尔法")
    mapped_by_file(column, alpha)
    first = AccountClaim.objects.get()
    assert (first.by, first.why, first.party, first.previous) == ("zhang", "对应表 t.csv", alpha, None)
    assert (first.kind, first.name) == ("" if column == "name" else column, "alpha-nlp")
    mapped_by_file(column, alpha)
    assert AccountClaim.objects.count() == 1
    undo_claim(first.pk, "省专班", NOW)
    assert not Tenant.objects.filter(name="alpha-nlp").exists()


def test_a_name_of_either_kind_that_a_file_gives_to_another_is_taken_back_whole(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    mapped_by_file("name", alpha)
    mapped_by_file("name", beta)
    kept, _first = AccountClaim.objects.all()
    assert (kept.kind, kept.party, kept.previous) == ("", beta, alpha)
    back = undo_claim(kept.pk, "省专班", NOW)
    assert (back.claim.kind, back.claim.party) == ("", alpha)
    assert {whose()[job] for job in ("1", "2", "9")} == {"阿尔法"}


def test_a_claim_is_not_taken_back_past_a_mapping_that_left_no_record(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    claim = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW).claim
    Tenant.objects.filter(name="alpha-nlp").update(party=beta)  # by an older release
    with pytest.raises(HuisuanError) as refusal:
        undo_claim(claim.pk, "省专班", NOW)
    assert (refusal.value.code, Tenant.objects.get(name="alpha-nlp").party) == ("claim.not_the_last", beta)


def test_a_user_with_a_mapping_of_his_own_keeps_it_when_his_account_is_claimed(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    assert claim_account("c1", "user", "zhang", beta.uscc, "省专班", NOW).records == 3
    done = claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW)
    assert (done.files, done.records, done.waiting) == (0, 0, 0)
    assert set(whose().values()) == {"贝塔"}


def test_use_that_nobody_has_yet_follows_a_mapping_of_its_user_when_the_account_is_claimed(centre: Centre) -> None:
    alpha, beta = party(1, "阿尔法"), party(2, "贝塔")
    Tenant.objects.create(centre=centre, kind="user", name="zhang", party=beta)
    assert claim_account("c1", "account", "alpha-nlp", alpha.uscc, "省专班", NOW).records == 3
    assert set(whose().values()) == {"贝塔"}
