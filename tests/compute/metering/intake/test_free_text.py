"""Property: whatever a user puts into a job's texts, what is metered of everybody else's jobs is the same."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from huisuan.compute.accelerators import Card, CardNames
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.reconcile import reconcile
from huisuan.compute.metering.intake.sacct import parse_sacct
from huisuan.compute.metering.intake.tables import STORED, TENANT
from support.forged_sacct import NAMED, as_json, delimited, forged, job, plain
from support.sacct_json import job as json_job
from support.usage_records import HEADER, line

pytestmark = pytest.mark.slow

NAMES = CardNames([Card(1, "A800-SXM4-80GB", "NVIDIA")], {"gpu": [Card(1, "A800-SXM4-80GB", "NVIDIA")]})
OWN = ("mallory", "own")  # who writes
SOME = settings(suppress_health_check=[HealthCheck.too_slow])

#: lines as an attacker writes them: of its victims' jobs, longer, shorter, or on another account, of other jobs, steps,
#: headers, pieces of lines, and anything else
a_line = st.builds(
    forged,
    st.sampled_from([1, 2, 3, 4, 5, 66666, "2.batch", "3.0", "JobIDRaw"]),
    User=st.sampled_from(["alice", "bob", "mallory"]),
    Account=st.sampled_from(["acc1", "acc2", "own"]),
    Start=st.sampled_from(["2024-03-01T09:00:00", "2024-03-01T09:30:00", "2024-03-02T00:00:00", "Unknown"]),
    End=st.sampled_from(["2024-03-01T09:00:01", "2024-03-01T10:00:00", "2024-03-12T00:00:00"]),
    State=st.sampled_from(["COMPLETED", "RESIZING", "REQUEUED", "PENDING"]),
)
piece = st.one_of(
    a_line,
    st.sampled_from([NAMED, HEADER, "", "|", "x|y", "up", "\r", "~0123456789abcdef0123456789abcdef~", '"}],"jobs":[']),
    a_line.map(lambda text: text[: len(text) // 2]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)
text = st.lists(piece, max_size=5).map("\n".join)


def sums(content: bytes) -> dict[str, int]:
    """Card-seconds by account of everybody but the one who writes, as an import into an empty centre takes them."""
    parsed: ParsedFile = parse_sacct(split_source(content, "x"), NAMES, ZoneInfo("Asia/Shanghai"))
    with parsed.con as con:
        STORED.create(con)
        TENANT.create(con)
        reconcile(parsed)
        rows = con.execute("""
            SELECT account, sum(cards * (ended - started - suspended))::BIGINT FROM record GROUP BY account
        """).fetchall()
    return {account: seconds for account, seconds in rows if account != OWN[1]}


def others(number: int) -> dict[str, str]:
    """Somebody else's job."""
    who = {1: ("alice", "acc1"), 2: ("bob", "acc2"), 3: ("alice", "acc1")}[number]
    return job(number, "n", User=who[0], Account=who[1], WorkDir="/w", Comment="")


def own(number: int, name: str, **fields: str) -> dict[str, str]:
    return job(number, name, **{"User": OWN[0], "Account": OWN[1], "WorkDir": "/w", "Comment": "", **fields})


@SOME
@given(text, text, text)
def test_with_the_printed_command_no_text_of_mine_changes_anybody_elses_sum(name: str, folder: str, word: str) -> None:
    header = HEADER.replace("|State", "|WorkDir|State") + "|Comment|JobName"
    lines = [others(1), own(4, name, WorkDir=folder, Comment=word), others(2), own(5, word, Comment=name), others(3)]
    assert sums(delimited(*lines, header=header)) == {"acc1": 57_600, "acc2": 28_800}


@SOME
@given(text, st.text(st.characters(exclude_characters="\n\r\0|", exclude_categories=["Cs"]), max_size=30))
def test_nor_does_a_user_name_that_holds_anything_but_a_line_end(name: str, user: str) -> None:
    mine = own(4, name, User=user)
    for content in (delimited(others(1), mine, others(2), others(3)), sacct_without_names(others(1), mine, others(2))):
        assert sums(content)["acc2"] == 28_800


def sacct_without_names(*lines: dict[str, str]) -> bytes:
    return plain(*lines, header=HEADER)


@SOME
@given(text, text)
def test_in_json_no_text_of_mine_changes_anybody_elses_sum(name: str, user: str) -> None:
    mine = [json_job(number, name, user=user, account="own", working_directory=name) for number in (4, 5)]
    content = as_json(json_job(1, "n", account="acc1"), *mine, json_job(2, "n", account="acc2"))
    assert sums(content) == {"acc1": 28_800, "acc2": 28_800}


@SOME
@given(text, text, st.permutations([1, 2, 3, 4, 5]))
def test_in_a_plain_file_no_text_of_mine_adds_to_anybody_elses_sum(name: str, again: str, order: list[int]) -> None:
    """Nothing in a plain file tells a forged line: so nothing of another's is taken that a name could have written."""
    assume("2.batch" not in name + again and "3.0" not in name + again)
    lines = [own(number, name if number == 4 else again) if number > 3 else others(number) for number in order]
    honest = [own(number, "n") if number > 3 else others(number) for number in order]
    written, usual = sums(plain(*lines)), sums(plain(*honest))
    assert written.items() <= usual.items()
    assert all(account in written for account in usual if usual[account] and order[0] < 4)


@SOME
@given(text)
def test_in_a_plain_file_of_one_account_the_first_record_stays(name: str) -> None:
    first = line(1, JobName="n", User="alice", Account="acc1")
    assert sums(plain(first, own(4, name))) == {"acc1": 28_800}
