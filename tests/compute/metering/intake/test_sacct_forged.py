"""Whatever a user writes into a job's name, nobody else's bill changes, and what was tried is told."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from huisuan.base.errors import Refused
from huisuan.compute.metering.imports.import_file import UsageReport
from huisuan.compute.metering.imports.raw_lines import load_raw_line
from huisuan.compute.models import MeterFlag, SourceFile
from huisuan.compute.sacct.export import COMMAND, command_for, delimiter_of, new_delimiter
from support.forged_sacct import HOUR, NAMED, delimited, forged, job, plain
from support.usage_records import HEADER, centre, code, imported, line, party, records, sacct

pytestmark = pytest.mark.django_db
TENANTS = f"account,uscc\nlab,{code(1)}\nvictim,{code(2)}\n".encode(), "tenants.csv"
MINIMAL = "66666|66666|ah|bob|victim|gpu|FAILED|||2024-03-02T00:00:00|2024-03-12T00:00:00|||gres/gpu:a800=8||||||y"
STEP = {"User": "", "Partition": "", "ReqTRES": ""}


@pytest.fixture(autouse=True)
def _site() -> None:
    for number in (1, 2):
        party(number)
    centre()


def taken(content: bytes) -> tuple[UsageReport, dict[str, int]]:
    """What a file leaves: card-seconds by account."""
    report = imported(content, tenants=TENANTS)
    found: dict[str, int] = {}
    for record in records():
        found[record.account] = found.get(record.account, 0) + record.card_seconds
    return report, found


# --- with the printed command


@pytest.mark.parametrize(
    "name", ["warm\nup", f"x\n{forged()}", f"x\n{MINIMAL}", f"x\n{NAMED}\n{forged()}", "\n\n", "a|b"]
)
def test_a_name_is_only_a_name_in_a_file_exported_by_the_printed_command(name: str) -> None:
    report, found = taken(delimited(job(1001, name), job(1002, User="li"), job(1003, "z")))
    assert (report.new, report.exit_code, found) == (3, 0, {"lab": 3 * HOUR})
    assert report.doubts == []


def test_a_text_in_the_middle_of_a_record_is_put_together_again() -> None:
    header = HEADER.replace("|Partition", "|JobName|WorkDir|Partition") + "|Comment"
    lines = [job(n, f"x\n{forged(n)}\ny", WorkDir="/a\n/b\n", Comment="c\nd") for n in range(1, 4)]
    report, found = taken(delimited(*lines, line(4, JobName="n", WorkDir="w", Comment=""), header=header))
    assert (report.new, report.refused, found) == (4, [], {"lab": 4 * HOUR})
    assert "换行" in report.notes[0]
    assert sorted(record.source_line for record in records()) == [2, 8, 14, 20]
    assert load_raw_line(SourceFile.objects.get().pk, 2).startswith(b"1~")


def test_a_file_that_breaks_off_in_a_record_loses_that_one_and_says_so() -> None:
    whole = delimited(job(1), job(2), job(3))
    report, found = taken(whole[: whole.rindex(b"gpu01")])
    assert (found, [line for line, _ in report.refused]) == ({"lab": 2 * HOUR}, [4])
    assert "截断" in report.refused[0][1]


def test_a_delimiter_is_new_each_time_and_one_that_was_used_is_refused() -> None:
    assert new_delimiter() != new_delimiter()
    used = new_delimiter()
    first = delimited(job(1), delimiter=used)
    taken(first)
    with pytest.raises(Refused, match="用过"):
        taken(delimited(job(2), delimiter=used))
    assert taken(first)[0].unchanged == 1
    kept = SourceFile.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        SourceFile.objects.create(
            centre=kept.centre, sha256="0" * 64, name="x", format="sacct", timezone="UTC", line_count=1,
            imported_at=kept.imported_at, collector="x", delimiter=used,
        )  # fmt: skip


def test_the_printed_command_makes_its_delimiter_itself_and_asks_for_nothing_that_2205_lacks() -> None:
    assert "/dev/urandom" in COMMAND
    assert delimiter_of(COMMAND) is None
    assert "Restarts" not in COMMAND
    with pytest.raises(Refused, match="不是时间"):
        command_for("2024-01-01; rm -rf /", "2024-12-31")


# --- plain -P, where nothing tells a forged line from a genuine one


def test_a_line_end_in_a_name_costs_nothing_but_a_word_in_a_plain_file_of_one_account() -> None:
    report, found = taken(plain(job(1001, "warm\nup"), job(1002, "b")))
    assert found == {"lab": 2 * HOUR}
    assert [number for number, _ in report.refused] == [3]


@pytest.mark.parametrize("text", [forged(), MINIMAL])
def test_a_line_on_anothers_account_is_held_in_a_plain_file(text: str) -> None:
    report, found = taken(plain(job(1001, f"x\n{text}")))
    assert (found, report.held, report.exit_code) == ({"lab": HOUR}, 1, 1)
    assert "export-command" in report.refused[0][1]
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.line) == ("forgeable", text)


def test_what_comes_after_such_a_line_is_held_with_it() -> None:
    report, found = taken(plain(job(1, "x\n" + forged()), job(2), job(3, Account="other")))
    assert (found, report.held) == ({"lab": HOUR}, 3)


def test_a_line_between_a_job_and_its_step_is_no_record_and_what_follows_is() -> None:
    steps = [job(f"{n}.batch", "batch", **STEP) for n in (1, 2, 3)]
    report, found = taken(plain(job(1), steps[0], job(2, "x\n" + MINIMAL), steps[1], job(3, "???"), steps[2]))
    assert found == {"lab": 3 * HOUR}
    assert (report.held, report.steps) == (1, 3)
    assert "作业步" in report.refused[0][1]
    assert MeterFlag.objects.get().line == MINIMAL


def test_a_job_with_steps_of_its_own_is_not_taken_for_a_forgery() -> None:
    """Who writes another's step into the name of its own job does not get its own job out of the bill unseen."""
    batch, told = job("1.batch", "batch", **STEP), job("1.0", "python", **STEP)
    report, found = taken(plain(job(1), batch, job(2, "x", Account="other"), told, job(3)))
    assert (found, report.held) == ({"lab": HOUR}, 2)


def test_a_record_is_not_taken_back_by_what_another_job_says_of_it() -> None:
    ten_days = job(5000, Start="2024-03-02T00:00:00", End="2024-03-12T00:00:00")
    again = forged(5000, User="zhang", Account="lab", End="2024-03-02T00:00:01")
    report, found = taken(plain(ten_days, job(5001, f"x\n{again}")))
    assert found == {"lab": 8 * 864_000 + HOUR}
    assert "contradiction" in set(MeterFlag.objects.values_list("kind", flat=True))
    assert report.exit_code == 1


def test_a_plain_file_whose_free_text_is_not_last_is_refused_with_the_command() -> None:
    for header in (HEADER.replace("|State", "|JobName|State"), f"{NAMED}|Comment", f"{NAMED}|"):
        with pytest.raises(Refused, match=r"(?s)JobName.*--delimiter"):
            taken(plain({**job(1), "Comment": "", "": ""}, header=header))


def test_a_plain_file_without_free_text_is_read_as_ever() -> None:
    report, found = taken(sacct(line(1), line(2, Account="victim"), line(3)))
    assert (found, report.doubts) == ({"lab": 2 * HOUR, "victim": HOUR}, [])


# --- one run, two contents


def test_two_contents_for_one_run_in_a_file_are_both_refused_and_flagged() -> None:
    short = {"End": "2024-03-01T09:00:01"}
    for write in (delimited, plain):
        MeterFlag.objects.all().delete()
        report, found = taken(write(job(7), job(7, **short)))
        assert (found, [number for number, _ in report.refused]) == ({}, [2, 3])
        assert "contradiction" in set(MeterFlag.objects.values_list("kind", flat=True))


def test_the_same_line_twice_is_one_record() -> None:
    report, found = taken(delimited(job(7), job(7)))
    assert (found, report.repeated, report.refused) == ({"lab": HOUR}, 1, [])


# --- names that are no text


def test_a_name_that_is_not_utf_8_costs_no_usage() -> None:
    cut = ("模型" * 50).encode()[:254].decode("utf-8", "surrogateescape")
    for name in ("\udcb2\udce5\udca1", cut):
        report, found = taken(delimited(job(1001, name), job(1002)))
        assert (found, report.exit_code) == ({"lab": 2 * HOUR}, 0)
        assert "UTF-8" in report.notes[0]
    assert taken(plain(job(1, "\udcb2"), job(2)))[1] == {"lab": 4 * HOUR}


# --- other forms


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (plain(job(1)).replace(b"|", b";"), "分号"),
        (plain(job(1)).replace(b"|", b"\t"), "制表符"),
        (plain(job(1)).decode().encode("utf-16"), "UTF-16"),
        (b"JobIDRaw State Start End AllocTRES\n---- ---- ---- ---- ----\n1 COMPLETED a b c\n", "宽度"),
    ],
)
def test_another_form_is_refused_by_its_name_with_the_command(content: bytes, what: str) -> None:
    with pytest.raises(Refused, match=rf"(?s){what}.*--delimiter"):
        taken(content)


def test_a_header_in_small_letters_is_a_header() -> None:
    report, found = taken(plain(job(1), header=NAMED).replace(NAMED.encode(), NAMED.lower().encode()))
    assert (found, report.exit_code, report.refused) == ({"lab": HOUR}, 0, [])
