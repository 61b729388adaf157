"""Commitments: many in one transaction, and several writers on one line beside django-hordak (in .venv-bench).

    .venv/bin/python bench/treasury.py [--commitments 20000] [--each 250] [--peer] [--json]

Each of the writers commits one award at a time through the treasury's service, until the line has no room: there is
room for half of what they ask. The peer looks at the balance and moves, in one transaction. Beside the clock stands
processor time, of the writing process and of the server: where others share the machine, trust that. Exit code 1: fewer
than 5,000 commitments a second, twice as many take more than 2.5 times as long, a line is overdrawn, or the peer is
faster.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from server_time import processor_s

AIM_A_SECOND, LINEAR, WRITERS, FEN = 5000, 2.5, 4, 100
PEER = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commitments", type=int, default=20_000)
    parser.add_argument("--each", type=int, default=250, help="commitments that a writer asks for")
    parser.add_argument("--peer", action="store_true", help="also django-hordak, from --python")
    parser.add_argument("--python", type=Path, default=PEER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HUISUAN_HOME"] = home
        from huisuan.serving.database import prepare_database

        prepare_database()
        found: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 2), "at_once": at_once(options.commitments)}
        found["writers"] = writers(options.each)
        if options.peer:
            found["peer"] = peer(options.python, options.each)
    print(json.dumps(found, indent=2) if options.json else "\n".join(words(found)))
    return 0 if holds(found) else 1


def words(found: dict[str, Any]) -> list[str]:
    """The figures in words."""
    said = [
        f"{row['count']:,} in one transaction: {row['s']:.2f} s, {row['a_second']:,.0f}/s; processor "
        f"{row['processor_s']:.2f} s, {row['count'] / row['processor_s']:,.0f}/s"
        for row in found["at_once"]
    ]
    ours, theirs = found["writers"], found.get("peer")
    said.append(
        f"{WRITERS} writers on one line: {ours['clock']:.2f} s, processor {ours['processor_s']:.2f} s, "
        f"overdrawn {max(0, -ours['left_fen'])} fen"
    )
    if theirs:
        said.append(
            f"django-hordak {theirs['version']}: {theirs['clock']:.2f} s, processor {theirs['processor_s']:.2f} s, "
            f"overdrawn {max(0, -theirs['left_fen'])} fen; ours / theirs {ours['clock'] / theirs['clock']:.2f}, "
            f"by processor {ours['processor_s'] / theirs['processor_s']:.2f}"
        )
    return said


def holds(found: dict[str, Any]) -> bool:
    """Whether the aims are met."""
    rows, ours, theirs = found["at_once"], found["writers"], found.get("peer")
    linear = all(after["s"] <= LINEAR * before["s"] for before, after in pairwise(rows))
    quick = rows[-1]["a_second"] >= AIM_A_SECOND
    return quick and linear and ours["left_fen"] >= 0 and (not theirs or ours["clock"] <= theirs["clock"])


def opened(sentence: str, fen: int) -> tuple[Any, int, Any]:
    """A line with so much on it, a party to promise to, and who acts."""
    from stdnum.cn import uscc

    from huisuan.parties.models import Party
    from huisuan.treasury.ledger import Act
    from huisuan.treasury.lines import appropriate, open_line

    now = datetime(2024, 9, 2, 4, tzinfo=UTC)
    act, base = Act("会计", now, date(2024, 9, 2)), "91340100MA2T00001"
    party, _ = Party.objects.get_or_create(
        uscc=base + uscc.calc_check_digit(base),
        defaults={"name": "合肥甲智能", "kind": "enterprise", "region_id": "340100"},
    )
    line = open_line("anhui-agi-2023", sentence, 2024, "厅", "会计", now)
    appropriate(line, fen, f"皖财 {sentence} 号", act)
    return line, party.pk, act


def at_once(most: int) -> list[dict[str, Any]]:
    """A quarter, half and all of so many, each on a line of its own; a small one before warms up."""
    from huisuan.treasury.commitments import Promise, commit

    found = []
    for at, count in enumerate((most // 20, most // 4, most // 2, most)):
        line, party, act = opened(f"b.{at}", count * FEN)
        promises = [Promise(f"{at}-{number}", party, ((FEN, None),)) for number in range(count)]
        began, own = time.perf_counter(), processor_s(server())
        commit(line, promises, act)
        spent = time.perf_counter() - began
        found.append(
            {"count": count, "s": spent, "a_second": count / spent, "processor_s": processor_s(server()) - own}
        )
    return found[1:]


def writers(each: int) -> dict[str, Any]:
    """Seconds, commitments made, and what is left on the line in fen."""
    from django.db import connection

    from huisuan.base.errors import Conflict
    from huisuan.treasury.commitments import Promise, commit
    from huisuan.treasury.models import Account, AccountKind

    line, party, act = opened("b.w", WRITERS * each * FEN // 2)
    gate, made = threading.Barrier(WRITERS), [0] * WRITERS

    def write(writer: int) -> None:
        gate.wait()
        for number in range(each):
            try:
                commit(line, [Promise(f"w{writer}-{number}", party, ((FEN, None),))], act)
            except Conflict:
                continue
            made[writer] += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    began, own = time.perf_counter(), processor_s(server())
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent, own = time.perf_counter() - began, processor_s(server()) - own
    left = Account.objects.get(line=line, kind=AccountKind.AVAILABLE).balance
    return {"clock": spent, "moved": sum(made), "left_fen": left, "processor_s": own}


def peer(python: Path, each: int) -> dict[str, Any]:
    """The same of django-hordak, in an empty database of the same server."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE hordak")
    held = connection.settings_dict
    database = {name: held[name] for name in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")} | {"NAME": "hordak"}
    asked = {
        "database": database | {"ENGINE": "django.db.backends.postgresql"}, "writers": WRITERS, "each": each,
        "server": server(), "fen": FEN, "room_fen": WRITERS * each * FEN // 2,
    }  # fmt: skip
    done = subprocess.run(
        [python, Path(__file__).with_name("hordak_peer.py")], input=json.dumps(asked), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"the peer did not run (setup/bench.sh makes its environment):\n{done.stderr}")
    return dict(json.loads(done.stdout))


def server() -> int:
    """The process id of the platform's own PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).ppid()


if __name__ == "__main__":
    sys.exit(main())
