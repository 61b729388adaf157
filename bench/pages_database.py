"""A province full of work for `bench/pages.py`, filled by set-based SQL: four centres, ten firms, jobs and usage.

Six tenths of everything are one firm's (`BIG_USER` signs in for it), the rest the other nine's; one record in ten is
of a job of the platform. Nothing here is sealed or settled.
"""

from __future__ import annotations

from datetime import date

from django.db import connection

CARD = "A800-SXM4-80GB"
BIG_USER, CENTRE_USER = "big", "operator"
CENTRES = ("hf-1", "hf-2", "wh-1", "bb-1")
FIRMS = 10

JOBS = """
INSERT INTO compute_job (
    uid, party_id, submitted_by, name, array_uid, submission, command, script, image, environment, cards, takes_slots,
    nodes, card_models, vendor, min_memory_gib, min_tflops_fp16, time_limit_seconds, retries, notify_url,
    source_format, outputs, session_kind, notes, state, run, lease, centre_id, accelerator_id, partition,
    fen_per_card_hour, reasons,
    submitted_at, placed_at, queued_at, running_since, started_at, ended_at, exit_code)
SELECT 'j' || lpad(n::text, 25, '0'), party, 'user' || n % 7, 'train-' || n % 997 || '-run', '', '',
    '["python", "train.py"]', '', '', '{{}}', cards, false, 1, '{{}}', '', 0, 0, 36000, 0, '', 'huisuan', '', '',
    '[]', state,
    0, CASE WHEN placed THEN 1 ELSE 0 END, CASE WHEN placed THEN centre END, CASE WHEN placed THEN card END,
    CASE WHEN placed THEN 'gpu' ELSE '' END, CASE WHEN placed THEN 1200 END, '["这里最便宜"]',
    at, CASE WHEN placed THEN at + '1 min'::interval END, CASE WHEN placed THEN at + '2 min'::interval END,
    CASE WHEN began THEN at + '5 min'::interval END, CASE WHEN began THEN at + '5 min'::interval END,
    CASE WHEN over THEN at + '5 min'::interval + hours * '1 hour'::interval END, CASE WHEN over THEN 0 END
FROM (
    SELECT *, state NOT IN ('waiting') AS placed, state NOT IN ('waiting', 'placed', 'queued') AS began,
        state IN ('done', 'failed') AS over
    FROM (
        SELECT n, now() - ({jobs} - n) * '90 seconds'::interval - '10 min'::interval AS at,
            CASE WHEN n % 10 < 6 THEN {first} ELSE {first} + 1 + n % 9 END AS party,
            (SELECT array_agg(id ORDER BY id) FROM compute_centre)[1 + n % 4] AS centre, {card} AS card,
            (ARRAY[1, 2, 4, 8, 8, 16])[1 + n % 6] AS cards, 1 + n % 5 AS hours,
            CASE WHEN n > {jobs} - 1500 THEN 'waiting' WHEN n > {jobs} - 1600 THEN 'queued'
                 WHEN n > {jobs} - 1900 THEN 'running' WHEN n % 9 = 0 THEN 'failed' ELSE 'done' END AS state
        FROM generate_series(1, {jobs}) AS n
    ) AS plain
) AS q
"""
DECISIONS = """
INSERT INTO compute_placementdecision
    (job_id, run, lease, at, centre_id, accelerator_id, weights, parts, runners_up, reasons)
SELECT uid, 0, 1, placed_at, centre_id, accelerator_id, '2023-10', '{}', '[]', reasons FROM compute_job WHERE lease > 0
"""
EVENTS = """
INSERT INTO compute_jobevent (job_id, at, run, lease, state, centre_id, text, tries)
SELECT uid, submitted_at + step * '1 min'::interval, 0, 1, (ARRAY['waiting', 'placed', 'queued'])[step], centre_id, '',
    0 FROM compute_job, generate_series(1, 3) AS step
"""
#: one record in ten is of a job of the platform, its last one
RECORDS = """
INSERT INTO compute_usagerecord (
    centre_id, sequence, cluster, job_id, run, "user", account, party_id, contract, partition, accelerator_id, cards,
    nodes, node_count, started_at, ended_at, suspended_seconds, card_seconds, state, exit_code, source_zone,
    raw_sha256, content_sha256, source_file_id, source_line, received_at)
SELECT {centre}, n, 'bench', CASE WHEN own THEN uid ELSE ({centre} * 10000000 + n)::text END, 0, 'user' || n % 7, 'a',
    CASE WHEN n % 10 < 6 THEN {first} ELSE {first} + 1 + n % 9 END, '', 'gpu', {card}, cards, 'gpu01', 1, s,
    s + hours * '1 hour'::interval, 0, cards * hours * 3600, 'COMPLETED', '0:0', 'Asia/Shanghai', repeat('0', 64),
    repeat('0', 64), {file}, n, now()
FROM (
    SELECT n, n % 10 = 0 AS own, 'j' || lpad(((n / 10) * 4 - {index})::text, 25, '0') AS uid,
        (ARRAY[1, 2, 4, 8])[1 + n % 4] AS cards, 1 + n % 3 AS hours,
        date_trunc('second', now()) - '1 day'::interval - ({records} - n) * {step} * '1 second'::interval AS s
    FROM generate_series(1, {records}) AS n
) AS q
"""


def fill(jobs: int, records: int) -> None:
    """So many jobs and usage records, and the statistics that the planner goes by.

    `records` are shared out over the centres; they end a day ago and reach back two years, the jobs as far as one
    every ninety seconds goes.
    """
    first = _parties()
    _centres()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM compute_accelerator WHERE model = %s", [CARD])
        (card,) = cursor.fetchone()
        cursor.execute(JOBS.format(jobs=jobs, first=first, card=card))
        cursor.execute(DECISIONS)
        cursor.execute(EVENTS)
        cursor.execute("SELECT id FROM compute_centre ORDER BY id")
        each = records // len(CENTRES)
        for index, (centre,) in enumerate(cursor.fetchall()):
            cursor.execute(
                "INSERT INTO compute_sourcefile (centre_id, sha256, name, format, timezone, line_count, imported_at,"
                " collector, delimiter) VALUES (%s, repeat('0', 64), 'bench', 'sacct', 'Asia/Shanghai', %s, now(),"
                " 'bench', '') RETURNING id",
                [centre, each],
            )
            (file,) = cursor.fetchone()
            step = 2 * 365 * 86_400 // each
            values = {"centre": centre, "first": first, "card": card, "file": file, "index": index}
            cursor.execute(RECORDS.format(**values, records=each, step=step))
    connection.commit()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    _count_days()


def _count_days() -> None:
    from huisuan.compute.budgets.party_use import count_party_use
    from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals

    update_all_daily_totals()
    count_party_use()


def _parties() -> int:
    """Ten firms and an operator, and people of each role; the first firm's key."""
    from stdnum.cn import uscc

    from huisuan.parties.models import Party, Person, Region

    def party(number: int, name: str, kind: str) -> Party:
        base = f"91340100MA2P{number:05d}"
        code = base + str(uscc.calc_check_digit(base))
        return Party.objects.create(uscc=code, name=name, kind=kind, region_id="340100")

    firms = [party(number, f"企业 {number}", "enterprise") for number in range(FIRMS)]
    operator = party(90, "运营方", "centre_operator")
    make = Person.objects.create_person
    make(BIG_USER, None, role="user", name="大户", party=firms[0])
    make(CENTRE_USER, None, role="centre", name="中心", party=operator)
    make("city", None, role="city", name="市", city=Region.objects.get(code="340100"))
    make("province", None, role="province", name="专班")
    return firms[0].pk


def _centres() -> None:
    from huisuan.compute.centres.services import CentrePlan, add_centre
    from huisuan.compute.centres.tariffs import set_tariff
    from huisuan.parties.models import Party

    operator = Party.objects.get(kind="centre_operator").uscc
    for number, code in enumerate(CENTRES):
        region = {"hf": "340100", "wh": "340200", "bb": "340300"}[code[:2]]
        partitions = (f"gpu={CARD}:64x8:a800",)
        add_centre(code, CentrePlan(f"{code} 中心", operator, region, engine="slurm", partitions=partitions))
        set_tariff(code, CARD, str(1000 + 100 * number), date(2023, 1, 1))
