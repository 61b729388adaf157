"""Counts that the database keeps of applications and steps by day, so that a year is added up from few rows.

They move with what they count, in the same statement; nothing else may change them. So that two acts at the same time
never wait for each other, each transaction counts in a part of its own: the first whose lock is free. A count is the
sum over the parts; of one part it may be negative. See decision 084.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

_PART = """
    part := 0;
    WHILE NOT pg_try_advisory_xact_lock(hashtext('programmes counts'), part) LOOP
        part := part + 1;
    END LOOP;
"""
# EXECUTE: as of the steps' own trigger (`applications.py`)
_BEGIN = """
    EXECUTE $sql$
        INSERT INTO programmes_standingcount AS held (edition_id, year, state, since, part, number)
        SELECT edition_id, year, state, (state_since AT TIME ZONE 'Asia/Shanghai')::date, $1, count(*)
        FROM new_rows GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (edition_id, year, state, since, part) DO UPDATE SET number = held.number + EXCLUDED.number
    $sql$ USING part;
    RETURN NULL;
"""
_MOVE = """
    EXECUTE $sql$
        WITH moved AS (
            SELECT edition_id, year, state, (state_since AT TIME ZONE 'Asia/Shanghai')::date AS since, 1 AS number
            FROM new_rows
            UNION ALL
            SELECT edition_id, year, state, (state_since AT TIME ZONE 'Asia/Shanghai')::date, -1 FROM old_rows
        )
        INSERT INTO programmes_standingcount AS held (edition_id, year, state, since, part, number)
        SELECT edition_id, year, state, since, $1, sum(number) FROM moved
        GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0 ORDER BY 1, 2, 3, 4
        ON CONFLICT (edition_id, year, state, since, part) DO UPDATE SET number = held.number + EXCLUDED.number
    $sql$ USING part;
    EXECUTE $sql$
        DELETE FROM programmes_standingcount held USING (
            SELECT DISTINCT edition_id, year, state, (state_since AT TIME ZONE 'Asia/Shanghai')::date AS since
            FROM old_rows
        ) o
        WHERE (held.edition_id, held.year, held.state, held.since) = (o.edition_id, o.year, o.state, o.since)
            AND held.part = $1 AND held.number = 0
    $sql$ USING part;
    RETURN NULL;
"""
_WAIT = """
    EXECUTE $sql$
        INSERT INTO programmes_stepwait AS held
            (edition_id, year, action, from_state, duty, since, until, part, number)
        SELECT n.edition_id, a.year, n.action, n.from_state, n.duty,
               (earlier.at AT TIME ZONE 'Asia/Shanghai')::date, (n.at AT TIME ZONE 'Asia/Shanghai')::date, $1, count(*)
        FROM new_steps n
        JOIN programmes_application a ON a.id = n.application_id
        JOIN programmes_applicationstep earlier
            ON earlier.application_id = n.application_id AND earlier.number = n.previous
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (edition_id, year, action, from_state, duty, since, until, part)
            DO UPDATE SET number = held.number + EXCLUDED.number
    $sql$ USING part;
    RETURN NULL;
"""


def _after(name: str, operation: pgtrigger.Operation, func: str, **tables: str) -> pgtrigger.Trigger:
    """A trigger that counts what one statement did."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**tables),  # type: ignore[no-untyped-call]
        declare=[("part", "integer")],
        func=_PART + func,
    )


#: of the table of applications
STANDING_TRIGGERS = (
    _after("applications_are_counted", pgtrigger.Insert, _BEGIN, new="new_rows"),
    _after("applications_are_counted_again", pgtrigger.Update, _MOVE, new="new_rows", old="old_rows"),
)
#: of the table of steps
WAIT_TRIGGER = _after("waits_are_counted", pgtrigger.Insert, _WAIT, new="new_steps")


def _follows(name: str) -> pgtrigger.Trigger:
    """Only other triggers change a count."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        condition=pgtrigger.Condition("pg_trigger_depth() < 1"),
        func=f"""
            RAISE EXCEPTION 'a count moves with what it counts alone'
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
        """,
    )


class StandingCount(models.Model):
    """How many applications of a year have stood in a state since a day (in Shanghai)."""

    pk = models.CompositePrimaryKey("edition_id", "year", "state", "since", "part")
    edition = models.ForeignKey("programmes.ProcedureEdition", on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=20)
    since = models.DateField()
    part = models.PositiveSmallIntegerField()
    number = models.IntegerField()

    class Meta:
        triggers = [_follows("standing_follows_applications")]

    def __str__(self) -> str:
        return f"{self.edition_id} {self.year} {self.state} {self.since}: {self.number}"


class StepWait(models.Model):
    """How many steps of an edge ended, on a day, what had waited since a day (both in Shanghai); moves change none."""

    pk = models.CompositePrimaryKey(
        "edition_id", "year", "action", "from_state", "duty", "since", "until", "part"
    )  # fmt: skip
    edition = models.ForeignKey("programmes.ProcedureEdition", on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=20)
    duty = models.CharField(max_length=10)
    since = models.DateField()
    until = models.DateField()
    part = models.PositiveSmallIntegerField()
    number = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="steps_waited_for", condition=Q(number__gt=0))]
        triggers = [_follows("waits_follow_steps")]

    def __str__(self) -> str:
        return f"{self.edition_id} {self.year} {self.action} {self.since} to {self.until}: {self.number}"
