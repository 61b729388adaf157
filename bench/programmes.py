"""An act on many applications in one transaction, beside the same act on each by itself.

    .venv/bin/python bench/programmes.py [--applications 3000] [--json]
    .venv/bin/python bench/programmes.py --pages 100000

Both keep every constraint and the chain of hashes. Exit code 1: one act on 3,000 takes more than a second.

`--pages` fills the platform with so many applications, in acts of 3,000, and times the pages that list them: the inbox
of a post for which all of them wait, the list of applications, the statement of money. Every request goes through the
whole of Django in this process, signed in; no network. Exit code 1: a p95 is 200 ms or more.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from typing import Any

AIM_S = 1.0
NOW = datetime(2024, 9, 2, 4, tzinfo=UTC)
AT_ONCE, ROUNDS, AIM_MS = 3000, 25, 200
#: (person, address)
PAGES = (
    ("publish", "/inbox/"), ("publish", "/inbox/?sort=-due"), ("check", "/applications/"),
    ("check", "/applications/?state=checked"), ("check", "/treasury/statement"),
)  # fmt: skip


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--applications", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pages", type=int, default=0, metavar="APPLICATIONS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HUISUAN_HOME"] = home
        from huisuan.serving.database import prepare_database

        prepare_database()
        if options.pages:
            return int(max(page_times(options.pages)) >= AIM_MS)
        found = measure(options.applications)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{count_words(found)}; one by one {found['each_s']:.2f} s, {found['ratio']:.1f} times as long")
    return 0 if found["check_s"] <= AIM_S else 1


def count_words(found: dict[str, Any]) -> str:
    """What was done at once, in words."""
    times = f"submit {found['submit_s']:.2f} s, check {found['check_s']:.2f} s"
    return f"{found['applications']:,} applications: {times} in one act each"


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


def page_times(count: int) -> list[float]:
    """The p95 of every page, in ms, printed with its median."""
    from django.conf import settings
    from django.test import Client

    from huisuan.law.policy import load_policy
    from huisuan.programmes.workflow import act_on_many, begin_applications

    settings.ALLOWED_HOSTS = ["testserver"]
    party, people = fill()
    for first in range(0, count, AT_ONCE):
        many = min(AT_ONCE, count - first)
        begun = begin_applications(load_policy("anhui-agi-2023"), "14.1", 2024, [party] * many, people["firm"], NOW)
        numbers = [one.number for one in begun]
        for who, action in (("firm", "submit"), ("check", "check")):
            assert len(act_on_many(numbers, action, people[who], NOW).done) == many
    found = []
    for who, address in PAGES:
        client = Client()
        client.force_login(people[who], backend="django.contrib.auth.backends.ModelBackend")
        times = []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            answer = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (address, answer.status_code)
        found.append(statistics.quantiles(times[1:], n=20)[-1])
        print(f"{count:,} applications, {address}: p50 {statistics.median(times[1:]):.0f} ms, p95 {found[-1]:.0f} ms")
    return found


def measure(count: int) -> dict[str, Any]:
    """Seconds of wall time: two acts on all at once, then a third on each alone."""
    from huisuan.law.policy import load_policy
    from huisuan.programmes.workflow import act, act_on_many, begin_applications

    now, law = NOW, load_policy("anhui-agi-2023")
    party, people = fill()
    begun = begin_applications(law, "14.1", 2024, [party] * count, people["firm"], now)
    numbers = [one.number for one in begun]
    times = []
    for who, action in (("firm", "submit"), ("check", "check")):
        began = time.perf_counter()
        outcome = act_on_many(numbers, action, people[who], now)
        times.append(time.perf_counter() - began)
        assert (len(outcome.done), outcome.refused) == (count, {})
    began = time.perf_counter()
    for number in numbers:
        act(number, "publicise", people["publish"], now)
    each = time.perf_counter() - began
    return {
        "applications": count, "submit_s": times[0], "check_s": times[1], "each_s": each, "ratio": each / times[1],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
