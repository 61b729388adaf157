"""Tokens from before they had an owner, a scope and an end: what the migration makes of them."""

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
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate
post_migrate.receivers = []  # they fill tables of other rooms, which are not made here
call_command("migrate", "parties", "0003", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute(sys.argv[1])
call_command("migrate", "parties", "0006", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute(sys.argv[2])
    print(json.dumps(cursor.fetchall(), default=str))
"""
BEFORE = """
    INSERT INTO parties_region VALUES ('340100', '合肥市', 'Hefei');
    INSERT INTO parties_party (uscc, name, name_en, kind, region_id, demo, created_at)
        VALUES ('91340100MA2T000013', '甲', '', 'enterprise', '340100', false, now());
    INSERT INTO parties_person (password, username, name, role, party_id, is_active, demo)
        SELECT 'x', 'zhang', '张', 'user', id, true, false FROM parties_party;
    INSERT INTO parties_token (digest, label, role, party_id, city_id, created_at, revoked_at)
        SELECT d, label, role, CASE role WHEN 'user' THEN (SELECT id FROM parties_party) END, city, now() - age, revoked
        FROM (VALUES
            ('1', 'zhang（huisuan login）', 'user', NULL, interval '1 day', NULL::timestamptz),
            ('2', '集群脚本', 'user', NULL, interval '1 day', NULL),
            ('3', '', 'city', '340100', interval '300 days', NULL),
            ('4', '本机操作员（huisuan up）', 'province', NULL, interval '1 day', now()),
            ('5', 'zhang（forged）', 'auditor', NULL, interval '400 days', NULL)
        ) AS t (d, label, role, city, age, revoked);
"""
AFTER = """
    SELECT t.digest, p.username, p.role, p.machine, t.scope, t.label,
        round(extract(epoch FROM t.expires_at - now()) / 86400)::int, t.revoked_at IS NOT NULL
    FROM parties_token t JOIN parties_person p ON p.id = t.person_id ORDER BY t.digest
"""


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """An empty database, the program's own; its address."""
    where = connection.settings_dict
    name = f"old_tokens_{os.getpid()}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://{where['USER']}@/{name}?host={where['HOST']}"
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_old_tokens_get_an_owner_a_scope_and_an_end_by_one_rule(database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, BEFORE, AFTER], env={**os.environ, "DATABASE_URL": database},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [
        ["1", "zhang", "user", False, "manage", "zhang（huisuan login）", 90, False],
        ["2", "token-user-91340100MA2T000013", "user", True, "manage", "集群脚本", 90, False],
        ["3", "token-city-340100", "city", True, "manage", "?", 66, False],
        ["4", "huisuan-up", "province", True, "manage", "本机操作员（huisuan up）", 90, True],
        ["5", "token-auditor", "auditor", True, "manage", "zhang（forged）", -34, False],
    ]
