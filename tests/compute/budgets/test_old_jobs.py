"""Jobs and people from before there were projects and roles in a firm: what the migrations make of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

PROGRAM = """
import json
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate
from django.utils import timezone
post_migrate.receivers = []  # they fill tables of other rooms, which are not made here
before = [("compute", "0024_results_of_jobs"), ("parties", "0006_every_token_has_an_owner")]
for app, name in before:
    call_command("migrate", app, name, verbosity=0)
model = MigrationExecutor(connection).loader.project_state(before).apps.get_model
region = model("parties", "Region").objects.create(code="340100", name_zh="合肥市", name_en="Hefei")
party = model("parties", "Party").objects.create(uscc="91340100MA2T000013", name="甲", kind="enterprise", region=region)
model("parties", "Person").objects.create(username="zhang", name="张", role="user", party=party, password="x")
card = model("compute", "Accelerator").objects.create(
    model="A100", vendor="NVIDIA", memory_gib=80, tflops_fp16=312, source="x")
centre = model("compute", "Centre").objects.create(code="c1", name="c1", operator=party, region=region)
now = timezone.now()
jobs = model("compute", "Job").objects
plain = {"party": party, "submitted_by": "zhang", "name": "x", "submitted_at": now, "cards": 8}
jobs.create(uid="1" * 26, state="done", **plain)
jobs.create(uid="2" * 26, state="running", centre=centre, accelerator=card, lease=3, fen_per_card_hour=5,
            time_limit_seconds=60, placed_at=now, **plain)
call_command("migrate", "compute", "0025", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("SELECT j.uid, p.code FROM compute_job j JOIN parties_project p ON p.id = j.project_id ORDER BY 1")
    found = [cursor.fetchall()]
    cursor.execute("SELECT job_id, lease, card_seconds, fen_per_card_hour FROM compute_budgetreservation")
    found.append(cursor.fetchall())
    cursor.execute("SELECT member_role FROM parties_person")
    found.append(cursor.fetchall())
print(json.dumps(found))
"""


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """An empty database, the program's own; its address."""
    where = connection.settings_dict
    name = f"old_jobs_{os.getpid()}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://{where['USER']}@/{name}?host={where['HOST']}"
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_old_jobs_are_of_the_default_project_reserve_what_they_may_use_and_users_are_owners(database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "DATABASE_URL": database}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    jobs, reservations, people = json.loads(done.stdout)
    assert jobs == [["1" * 26, "default"], ["2" * 26, "default"]]
    assert reservations == [["2" * 26, 3, 480, 5]]
    assert people == [["owner"]]
