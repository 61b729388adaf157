"""An act on many applications in one transaction, beside the same act on each by itself.

    .venv/bin/python bench/programmes.py [--applications 3000] [--json]
    .venv/bin/python bench/programmes.py --pages 100000

Both keep every constraint and the chain of hashes. Beside the clock stands processor time, of this process and of
PostgreSQL: where others share the machine, trust that. Exit code 1: one act on 3,000 takes more than a second.

`--pages` is `bench/programme_pages.py` with so many applications.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
from server_time import processor_s

AIM_S = 1.0
NOW = datetime(2024, 9, 2, 4, tzinfo=UTC)


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--applications", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pages", type=int, default=0, metavar="APPLICATIONS")
    options = parser.parse_args()
    if options.pages:
        return subprocess.call([
            sys.executable, Path(__file__).with_name("programme_pages.py"), "--applications", str(options.pages),
            *(["--json"] if options.json else []),
        ])  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        os.environ["HUISUAN_HOME"] = home
        from huisuan.serving.database import prepare_database

        prepare_database()
        found = measure(options.applications)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(words(found))
    return 0 if max(found["submit_s"], found["check_s"]) <= AIM_S else 1


def words(found: dict[str, Any]) -> str:
    """The figures in words."""
    at_once = "; ".join(
        f"{name} {found[f'{name}_s']:.2f} s (processor {found[f'{name}_processor_s']:.2f} s)"
        for name in ("submit", "check")
    )
    each = f"{found['each_s']:.2f} s (processor {found['each_processor_s']:.2f} s)"
    return (
        f"{found['applications']:,} applications in one act: {at_once}; the third act one by one {each}: "
        f"{found['ratio']:.1f} times the check, by processor {found['ratio_processor']:.1f}"
    )


def fill() -> tuple[Any, dict[str, Any]]:
    """A firm, and people with posts to check and to publish."""
    from stdnum.cn import uscc

    from huisuan.parties.models import Party, Person
    from huisuan.programmes.offices import give_post

    base = "91340100MA2T00001"
    code = base + uscc.calc_check_digit(base)
    party = Party.objects.create(uscc=code, name="合肥甲智能", kind="enterprise", region_id="340100")
    people = {"firm": Person.objects.create_person("firm", None, role="user", party=party)}
    people |= {
        name: Person.objects.create_person(name, None, role="province") for name in ("giver", "check", "publish")
    }
    store_offices_of("anhui-agi-2023")
    for duty in ("check", "publish"):
        give_post(people[duty], "省经济和信息化厅", duty, date(2024, 1, 1), people["giver"], NOW)
    return party, people


def store_offices_of(policy: str) -> None:
    """The offices that a policy names."""
    from huisuan.law.policy import load_policy
    from huisuan.programmes.offices import store_offices

    store_offices([load_policy(policy)])


def measure(count: int) -> dict[str, Any]:
    """Seconds by the clock and of processor time: two acts on all at once, then a third on each alone."""
    from huisuan.law.policy import load_policy
    from huisuan.programmes.workflow import act, act_on_many, begin_applications

    now, law = NOW, load_policy("anhui-agi-2023")
    party, people = fill()
    begun = begin_applications(law, "14.1", 2024, [party] * count, people["firm"], now)
    numbers = [one.number for one in begun]
    spent: dict[str, float] = {}
    server = server_pid()
    for who, action in (("firm", "submit"), ("check", "check")):
        began, own = time.perf_counter(), processor_s(server)
        outcome = act_on_many(numbers, action, people[who], now)
        spent |= {f"{action}_s": time.perf_counter() - began, f"{action}_processor_s": processor_s(server) - own}
        assert (len(outcome.done), outcome.refused) == (count, {})
    began, own = time.perf_counter(), processor_s(server)
    for number in numbers:
        act(number, "publicise", people["publish"], now)
    each, each_processor = time.perf_counter() - began, processor_s(server) - own
    return {
        "applications": count, **spent, "each_s": each, "each_processor_s": each_processor,
        "ratio": each / spent["check_s"], "ratio_processor": each_processor / spent["check_processor_s"],
    }  # fmt: skip


def server_pid() -> int:
    """The process id of the platform's own PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).ppid()


if __name__ == "__main__":
    sys.exit(main())
