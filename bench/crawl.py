"""Every kind of page of every role, as one gets there by links alone, with its time, its queries and its size.

    .venv/bin/python bench/crawl.py [--jobs 2000] [--records 20000] [--each 2] [--keep FOLDER]

Begins at each role's first page and follows every link of the platform's own pages, at most `--each` addresses of a
kind (a route's name). Each is asked twice, the second is timed: in this process, through the whole of Django, no
network. Prints the slowest first, and what answered with an error; exits 1 where something did.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

sys.path.insert(0, str(Path(__file__).parent))

from pages import platform, session

JOBS, RECORDS = 2_000, 20_000
LINK = re.compile(r"""\b(?:href|hx-get)=["']([^"'#]+)""")
#: what ends the session, or is no page
LEFT_OUT = {"sign-out", "chart-engine", "oidc", "oidc-return", None}


@dataclass(frozen=True)
class Visit:
    """One page as somebody got it."""

    who: str
    route: str
    address: str
    status: int
    milliseconds: float
    queries: int
    kilobytes: float


def crawl(who: str, each: int) -> list[Visit]:
    """What somebody reaches by links."""
    from django.urls import Resolver404, resolve

    client, waiting, seen = session(who), deque(["/"]), Counter[str]()
    client.raise_request_exception = False  # what breaks is told at the end
    known, visits = {"/"}, list[Visit]()
    while waiting:
        address = waiting.popleft()
        try:
            route = resolve(urlsplit(address).path).url_name
        except Resolver404:
            visits.append(Visit(who, "-", address, 404, 0, 0, 0))
            continue
        if route in LEFT_OUT or seen[route] >= each:
            continue
        seen[route] += 1
        visit, text = look(client, who, route, address)
        visits.append(visit)
        for link in LINK.findall(text):
            there = urljoin(address, unescape(link))
            if there.startswith("/") and not there.startswith("/static/") and there not in known:
                known.add(there)
                waiting.append(there)
    return visits


def look(client: Any, who: str, route: str, address: str) -> tuple[Visit, str]:
    """The page, asked twice; and its text."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        began = time.perf_counter()
        answer = client.get(address)
        content = answer.getvalue() if answer.streaming else answer.content
        spent = (time.perf_counter() - began) * 1000
    text = content.decode() if answer.get("Content-Type", "").startswith("text/html") else ""
    return Visit(who, route, address, answer.status_code, spent, len(captured), len(content) / 1024), text


def main() -> int:
    """Print the table; 1 where a page answered with an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder of the database, kept and used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, platform(asked.keep or Path(scratch), asked.jobs, asked.records):
        from django.conf import settings

        from huisuan.parties.models import Person

        settings.ALLOWED_HOSTS = ["testserver"]
        people = Person.objects.filter(is_active=True, machine=False).order_by("role", "id")
        one_a_role = {person.role: person.username for person in people.reverse()}
        visits = [visit for who in one_a_role.values() for visit in crawl(who, asked.each)]
    print("| who | page | address | status | ms | queries | kB |\n| --- | --- | --- | --- | --- | --- | --- |")
    for visit in sorted(visits, key=lambda visit: -visit.milliseconds):
        print(
            f"| {visit.who} | {visit.route} | `{visit.address}` | {visit.status} | {visit.milliseconds:,.0f} "
            f"| {visit.queries} | {visit.kilobytes:,.0f} |"
        )
    broken = [visit for visit in visits if visit.status >= 400]
    routes = len({visit.route for visit in visits})
    print(f"\n{len(visits)} pages of {routes} kinds, {len(broken)} with an error.")
    for visit in broken:
        print(f"{visit.status} {visit.who} {visit.address}", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
