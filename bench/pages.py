"""How long the server takes for each page, beside a view that does nothing but `SELECT 1`.

    .venv/bin/python bench/pages.py [--jobs 100000] [--records 1000000] [--rounds 25] [--only jobs] [--keep FOLDER]

Every request goes through the whole of Django (middleware, session, database, template) in this process and comes with
a signed-in session; no network. p50 and p95 are of so many rounds after one that is not counted (imports, caches); of
the median round, "python" is the processor time of this process and "sql" the time in which the database was waited
for: on a busy machine these say more than the clock. The aim is a median below 150 ms for every page. With `--keep`
the filled database stays in FOLDER and is used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

JOBS, RECORDS, ROUNDS = 100_000, 1_000_000, 25
AIM_MS = 150
SELECT_1 = "/bench/select-1"
#: (person, address); a new page of the portal belongs here
PAGES: tuple[tuple[str, str], ...] = (
    ("big", SELECT_1),
    ("big", "/jobs/"),
    ("big", "/jobs/?state=running"),
    ("big", "/jobs/?q=train-77"),
    ("big", "/jobs/?centre=hf-1&state=done"),
    ("province", "/jobs/"),
    ("city", "/jobs/"),
    ("operator", "/jobs/"),
    ("big", "/now/"),
    ("big", "/now/?cards=16&hours=8"),
    ("big", "/usage/"),
    ("big", "/usage/?month=MONTH"),
    ("big", "/usage/?q=train"),
    ("big", "/usage/?q=user3"),
    ("big", "/usage/?state=FAILED"),
    ("province", "/usage/"),
    ("province", "/usage/?centre=hf-1&month=MONTH"),
    ("operator", "/usage/"),
    ("city", "/usage/"),
    ("operator", "/centres/hf-1"),
    ("province", "/centres/hf-1"),
    ("operator", "/centres/hf-1/figures"),
    ("operator", "/centres/hf-1/tariffs"),
    ("operator", "/centres/hf-1/imports"),
    ("operator", "/centres/hf-1/unclaimed"),
    ("operator", "/seals/hf-1/checklist"),
    ("big", "/"),
    ("province", "/"),
    ("operator", "/centres/"),
    ("province", "/compute/"),
    ("province", "/jobs/?firm=企业 3"),
    ("province", "/usage/?firm=企业 3"),
    ("province", "/usage/?q=nothing-like-it"),
    ("big", "/firm/"),
    ("big", "/sessions/"),
    ("big", "/bills/"),
    ("big", "/entitlements/"),
    ("province", "/bills/"),
    ("province", "/entitlements/"),
    ("province", "/todo/"),
    ("province", "/seals/"),
    ("province", "/flags/"),
    ("province", "/runs/"),
    ("province", "/parties/"),
    ("operator", "/centres/hf-1/unclaimed"),
)


@contextmanager
def platform(folder: Path, jobs: int, records: int) -> Iterator[None]:
    """A platform of its own, filled once; stopped at the end."""
    os.environ["HUISUAN_HOME"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "huisuan.serving.settings"
    os.environ.pop("DATABASE_URL", None)
    from huisuan.serving import database

    done = folder / "filled"
    database.prepare_database()
    try:
        if not done.exists():
            from pages_database import fill

            began = time.perf_counter()
            fill(jobs, records)
            done.touch()
            print(f"Filled with {jobs:,} jobs and {records:,} records in {time.perf_counter() - began:.0f} s.\n")
        yield
    finally:
        database.stop_private_server()


def serve_select_1() -> None:
    """Put the bare view beside the platform's pages."""
    import types

    from django.conf import settings
    from django.db import connection
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    from huisuan.serving import urls

    def select_1(request: HttpRequest) -> HttpResponse:
        """The least that a view which asks the database can do."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return HttpResponse(str(cursor.fetchone()))

    module = types.ModuleType("bench_urls")
    module.urlpatterns = [path(SELECT_1[1:], select_1), *urls.urlpatterns]  # type: ignore[attr-defined]
    sys.modules["bench_urls"] = module
    settings.ROOT_URLCONF = "bench_urls"
    settings.ALLOWED_HOSTS = ["testserver"]


def session(name: str) -> Any:
    """A browser in which someone is signed in."""
    from django.test import Client

    from huisuan.parties.models import Person

    client = Client()
    client.force_login(Person.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


class Waited:
    """Milliseconds in which the database was waited for; an execute wrapper."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Time one statement."""
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.ms += (time.perf_counter() - began) * 1000


def round_ms(work: Callable[[], None]) -> tuple[float, float, float]:
    """One round: on the clock, of this process, in the database."""
    from django.db import connection

    waited, began, processor = Waited(), time.perf_counter(), time.process_time()
    with connection.execute_wrapper(waited):
        work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - processor) * 1000, waited.ms


def measure(name: str, address: str, rounds: int, clients: dict[str, Any]) -> float:
    """Print one line of the table; the median."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = clients.setdefault(name, session(name))

    def once() -> None:
        answer = client.get(address)
        assert answer.status_code == 200, (name, address, answer.status_code)

    found = [round_ms(once) for _ in range(rounds + 1)][1:]
    with CaptureQueriesContext(connection) as captured:
        once()
    clock, python, sql = (statistics.median(column) for column in zip(*found, strict=True))
    p95 = statistics.quantiles([each[0] for each in found], n=20)[-1]
    mark = "" if clock < AIM_MS else " over"
    figures = f"{clock:,.0f}{mark} | {p95:,.0f} | {python:,.0f} | {sql:,.0f} | {len(captured)}"
    print(f"| {name} | `{address}` | {figures} |", flush=True)
    return clock


def main() -> int:
    """Print the table; 1 where a page is over the aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="addresses that contain this")
    parser.add_argument("--keep", type=Path, help="folder of the database, kept and used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, platform(asked.keep or Path(scratch), asked.jobs, asked.records):
        from django.utils import timezone

        serve_select_1()
        month, clients = f"{timezone.localdate():%Y-%m}", dict[str, Any]()
        print("| who | page | p50 ms | p95 ms | python | sql | queries |\n|" + " --- |" * 7)
        medians = [
            measure(name, address.replace("MONTH", month), asked.rounds, clients)
            for name, address in PAGES
            if asked.only in address or address == SELECT_1
        ]
    return int(max(medians) >= AIM_MS)


if __name__ == "__main__":
    sys.exit(main())
