"""What an import leaves in the database, and what a second one changes."""

from __future__ import annotations

import hashlib

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from huisuan.base.errors import Refused
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.metering.imports.raw_lines import load_raw_line
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.metering.usage.unclaimed import list_unclaimed_usage
from huisuan.compute.models import Accelerator, PendingCorrection, SourceChunk, SourceFile, UsageRecord
from support.usage_records import A800, H20, HEADER, NOW, NPU, centre, code, imported, line, only, party, records, sacct

pytestmark = pytest.mark.django_db


def tenants(text: str) -> tuple[bytes, str]:
    return text.encode(), "tenants.csv"


def test_a_job_becomes_one_record_in_integers() -> None:
    centre()
    report = imported(sacct(line(ElapsedRaw=3600)))
    record = only()
    assert (report.new, report.exit_code) == (1, 0)
    assert (record.job_id, record.run, record.cards, record.card_seconds) == ("1001", 0, 8, 28_800)
    assert record.accelerator.model == A800
    assert record.started_at.isoformat() == "2024-03-01T01:00:00+00:00"
    assert (record.state, record.received_at, record.source_zone) == ("COMPLETED", NOW, "Asia/Shanghai")


def test_importing_a_file_twice_changes_nothing() -> None:
    centre()
    content = sacct(line(1), line(2))
    imported(content)
    again = imported(content)
    assert (again.new, again.unchanged) == (0, 2)
    assert UsageRecord.objects.count() == 2
    assert SourceFile.objects.count() == 1


def test_the_same_lines_in_another_order_of_columns_change_nothing() -> None:
    centre()
    imported(sacct(line(1), line(2)))
    header = "|".join(reversed(HEADER.split("|")))
    again = imported(sacct(line(2), line(1), header=header))
    assert (again.new, again.unchanged) == (0, 2)


def test_a_file_with_fewer_columns_does_not_take_back_what_is_known() -> None:
    party(1)
    centre()
    imported(sacct(line(1, Suspended="00:10:00")), tenants=tenants(f"account,uscc\nlab,{code(1)}"))
    again = imported(sacct(line(1), header="JobIDRaw|Start|End|State|AllocTRES"))
    assert (again.new, again.unchanged) == (0, 1)
    assert only().party == party(1)


def test_overlapping_files_add_only_what_is_new() -> None:
    centre()
    imported(sacct(line(1), line(2)))
    report = imported(sacct(line(2), line(3)))
    assert (report.new, report.unchanged) == (1, 1)
    assert [record.sequence for record in records()] == [1, 2, 3]


def test_a_correction_supersedes_and_the_old_record_stays() -> None:
    centre()
    imported(sacct(line(1)))
    report = imported(sacct(line(1, End="2024-03-01T11:00:00")))
    assert (report.new, report.superseding) == (1, 1)
    assert only().card_seconds == 57_600
    assert only().supersedes == 1
    assert UsageRecord.objects.count() == 2


def test_an_old_export_imported_late_does_not_undo_a_correction() -> None:
    centre()
    old, new = sacct(line(1)), sacct(line(1, End="2024-03-01T11:00:00"))
    imported(old)
    imported(new)
    late = imported(old)
    assert (late.new, late.older) == (0, 1)
    assert only().card_seconds == 57_600


def test_of_two_lines_that_say_other_things_of_one_run_none_counts() -> None:
    centre()
    report = imported(sacct(line(1), line(1, End="2024-03-01T11:00:00"), line(2), line(2)))
    assert (report.new, report.repeated, [number for number, _ in report.refused]) == (1, 1, [2, 3])
    assert only().job_id == "2"


def test_cards_that_turn_out_to_be_another_model_are_not_paid_twice() -> None:
    centre("c1", f"gpu={A800}:4x8")
    imported(sacct(line(1, "gres/gpu=8")))
    centre("c1", f"gpu={H20}:4x8:a800")
    report = imported(sacct(line(1, "gres/gpu:h20=8")))
    assert (report.new, report.waiting, only().accelerator.model) == (0, 1, A800)
    waiting = PendingCorrection.objects.get()
    assert H20 in waiting.flag.text
    resolve_flag(waiting.flag_id, "核对过：是 H20", "省专班", NOW, accept=True)
    assert only().accelerator.model == H20


def test_a_file_is_not_imported_again_in_another_time_zone() -> None:
    centre()
    content = sacct(line(1))
    imported(content)
    with pytest.raises(Refused, match="Asia/Shanghai"):
        imported(content, timezone="UTC")
    assert (imported(content).unchanged, only().source_zone) == (1, "Asia/Shanghai")


def test_a_run_that_lost_one_of_two_models_is_refused_with_its_reason() -> None:
    centre()
    imported(sacct(line(1, "gres/gpu:a800=4,gres/npu:910b3=4")))
    report = imported(sacct(line(1, "gres/gpu:a800=4")))
    assert report.new == 0
    assert "型号" in report.refused[0][1]
    assert len(records()) == 2


def test_two_models_in_one_job_are_two_records() -> None:
    centre()
    report = imported(sacct(line(1, "gres/gpu:a800=4,gres/npu:910b3=2")))
    assert report.new == 2
    assert {(r.accelerator.model, r.cards) for r in records()} == {(A800, 4), (NPU, 2)}


def test_every_raw_line_can_be_read_back_and_has_its_hash() -> None:
    centre()
    imported(sacct(*(line(job) for job in range(1, 4501))))
    assert SourceChunk.objects.count() == 3
    for record in (records()[0], records()[2000], records()[-1]):
        raw = load_raw_line(record.source_file_id, record.source_line)
        assert raw.startswith(f"{record.job_id}|".encode())
        assert hashlib.sha256(raw).hexdigest() == record.raw_sha256


def test_a_line_that_is_not_there_is_refused() -> None:
    centre()
    imported(sacct(line(1)))
    with pytest.raises(Refused, match="没有第 3 行"):
        load_raw_line(only().source_file_id, 3)


def test_damaged_lines_are_refused_by_number_and_the_rest_goes_in() -> None:
    centre()
    good = sacct(line(1), line(2), line(3), line(4)).splitlines()
    good[2] = b"\xff" + good[2]
    good[3] = good[3] + b"|extra"
    good[4] = good[4].replace(b"zhang", b"zh\0ng")
    report = imported(b"\r\n".join(good) + b"\r\n")
    assert [number for number, _ in report.refused] == [3, 4, 5]
    assert report.exit_code == 1
    assert [record.job_id for record in records()] == ["1"]
    raw = load_raw_line(only().source_file_id, 2)
    assert hashlib.sha256(raw).hexdigest() == only().raw_sha256


def test_text_that_looks_like_escapes_arrives_as_it_is() -> None:
    centre()
    imported(sacct(line(1, User=r"a\nb\\c", Account="x\ty", NodeList="\\N")))
    record = only()
    assert (record.user, record.account, record.nodes) == (r"a\nb\\c", "x\ty", "\\N")


def test_a_late_file_simply_adds() -> None:
    centre()
    imported(sacct(line(5, Start="2024-06-01T00:00:00", End="2024-06-01T01:00:00")))
    report = imported(sacct(line(1)))
    assert (report.new, report.superseding) == (1, 0)


def test_a_running_job_is_metered_by_the_file_in_which_it_has_ended() -> None:
    centre()
    first = imported(sacct(line(1, State="RUNNING", End="Unknown", ElapsedRaw=60)))
    assert (first.new, first.running) == (0, 1)
    assert SourceFile.objects.count() == 0
    assert imported(sacct(line(1))).new == 1


def test_a_dry_run_says_what_would_happen_and_writes_nothing() -> None:
    party(1)
    centre()
    report = imported(sacct(line(1)), dry_run=True, tenants=tenants(f"account,uscc\nlab,{code(1)}"))
    assert (report.new, report.unclaimed) == (1, 0)
    assert not UsageRecord.objects.exists()
    assert not centre().tenants.exists()


def test_a_user_goes_before_its_account() -> None:
    for number in (1, 2):
        party(number)
    centre()
    text = f"account,user,uscc\nlab,,{code(1)}\n,zhang,{code(2)}\n"
    imported(sacct(line(1, User="zhang"), line(2, User="li")), tenants=tenants(text))
    assert [record.party for record in records()] == [party(2), party(1)]


def test_an_account_does_not_claim_the_user_of_the_same_name() -> None:
    party(1)
    centre()
    imported(sacct(line(1, User="physics", Account="chem")), tenants=tenants(f"account,uscc\nphysics,{code(1)}"))
    assert only().party is None


def test_what_belongs_to_nobody_is_kept_listed_and_claimed_later() -> None:
    party(1)
    centre()
    content = sacct(line(1))
    assert imported(content).unclaimed == 1
    assert list_unclaimed_usage("c1") == [
        {"centre": "c1", "user": "zhang", "account": "lab", "records": 1, "card_seconds": 28_800}
    ]
    claimed = imported(content, tenants=tenants(f"name,uscc\nlab,{code(1)}"))
    assert (claimed.new, claimed.superseding, claimed.unclaimed) == (1, 1, 0)
    assert only().party == party(1)
    assert list_unclaimed_usage("c1") == []
    assert imported(content).unchanged == 1


def test_tenants_are_remembered_and_their_bad_lines_named() -> None:
    party(1)
    centre()
    text = f"account,uscc\nlab,{code(1)}\nother,{code(7)}\nbad,123\n"
    report = imported(sacct(line(1)), tenants=tenants(text))
    assert report.tenants is not None
    assert [(fault.line, fault.column) for fault in report.tenants.faults] == [(3, "uscc"), (4, "uscc")]
    assert report.exit_code == 1
    imported(sacct(line(2)))
    assert all(record.party == party(1) for record in records())


def test_an_unknown_centre_format_or_zone_is_refused() -> None:
    centre()
    for options in ({"at": "nowhere"}, {"format": "pbs"}, {"timezone": "Mars/Base"}):
        with pytest.raises(Refused):
            imported(sacct(line(1)), **options)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE compute_usagerecord SET cards = 1",
        "DELETE FROM compute_usagerecord",
        "DELETE FROM compute_partition; DELETE FROM compute_accelerator WHERE model = 'A800-SXM4-80GB'",
        "UPDATE parties_party SET id = id + 1000000",
    ],
)
def test_the_database_keeps_records_and_what_they_name(statement: str) -> None:
    party(1)
    centre()
    imported(sacct(line(1)), tenants=tenants(f"account,uscc\nlab,{code(1)}"))
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match=r"named by usage|Cannot (update|delete)"):
        cursor.execute(statement)


def test_a_record_cannot_name_a_party_that_is_not_there() -> None:
    at = centre()
    imported(sacct(line(1)))
    fields = {f.attname: getattr(only(), f.attname) for f in UsageRecord._meta.concrete_fields}
    fields |= {"sequence": 2, "job_id": "2", "party_id": 10**9}
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.create(**fields)
    fields |= {"party_id": None, "accelerator_id": Accelerator.objects.get(model=H20).pk}
    UsageRecord.objects.create(**fields)
    at.refresh_from_db()
    assert at.last_sequence == 2


def test_current_usage_can_be_asked_as_of_a_sequence() -> None:
    centre()
    imported(sacct(line(1), line(2)))
    imported(sacct(line(1, End="2024-03-01T11:00:00")))
    then = current_usage({"c1": 2})
    assert [(record.job_id, record.card_seconds) for record in then] == [("1", 28_800), ("2", 28_800)]
    assert sorted(record.sequence for record in current_usage({"c1": 3})) == [2, 3]
    assert not current_usage({}).exists()
    with pytest.raises(Refused, match="c9"):
        current_usage({"c9": 1})
