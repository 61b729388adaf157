"""Files at the gate: the arrows, the steps that each file took along them, and the one duty of each person at it.

A step is an arrow, begins where the step before ended, and is taken under the one duty that its person has at the file:
all three are foreign keys over several columns (migration 0003). What a file is now is a cache that steps move.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models.catalogue import CatalogueEntry
from huisuan.parties.models import Person

SHA256_PATTERN = "^[0-9a-f]{64}$"

# What must hold before a file comes to these states, whoever says so.
_CHECKED = """
IF NEW.at < (SELECT state_since FROM opendata_gatefile WHERE id = NEW.file_id) THEN
    RAISE EXCEPTION 'a step is taken after the one before'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'gate_step_in_time';
END IF;
IF NEW.to_state = 'clean' AND (SELECT opendata_open_findings(max(id)) FROM opendata_gatescan
                               WHERE file_id = NEW.file_id AND product_id IS NULL) IS DISTINCT FROM 0 THEN
    RAISE EXCEPTION 'file % has findings that nobody judged', NEW.file_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'clean_has_no_open_finding';
END IF;
IF NEW.to_state = 'ready' AND (
       NOT EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =
                   (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id))
       OR EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =
                  (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)
                  AND (SELECT opendata_open_findings(max(s.id)) FROM opendata_gatescan s WHERE s.product_id = p.id)
                      IS DISTINCT FROM 0)) THEN
    RAISE EXCEPTION 'file % has a product that was not scanned, or in which something was found', NEW.file_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ready_was_scanned_again';
END IF;
IF NEW.to_state = 'released' AND (
       NOT EXISTS (SELECT 1 FROM opendata_gaterelease WHERE file_id = NEW.file_id)
       OR EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =
                  (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)
                  AND NOT EXISTS (SELECT 1 FROM opendata_gaterelease r WHERE r.product_id = p.id))) THEN
    RAISE EXCEPTION 'file % has a product without its release', NEW.file_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'released_has_its_releases';
END IF;
IF NEW.to_state = 'released' AND NEW.from_state = 'suspended' AND EXISTS (
       SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =
       (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)
       AND NOT opendata_scan_stands((SELECT max(id) FROM opendata_gatescan WHERE product_id = p.id), true)) THEN
    RAISE EXCEPTION 'file % is suspended: current rules find something, or have not the model that did', NEW.file_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'resumed_is_clean_by_current_rules';
END IF;
RETURN NEW;
"""
_PEOPLE = """
IF NOT EXISTS (SELECT 1 FROM parties_person WHERE id = NEW.person_id AND is_active AND NOT machine) THEN
    RAISE EXCEPTION 'a duty at the gate is a living person''s, not a program''s'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'gate_duty_of_somebody';
END IF;
RETURN NEW;
"""
_MOVE = """
UPDATE opendata_gatefile SET state = NEW.to_state, state_since = NEW.at, steps_taken = NEW.number
WHERE id = NEW.file_id;
RETURN NULL;
"""
_FOLLOWS = """
IF TG_OP = 'INSERT' AND (NEW.state <> '' OR NEW.steps_taken <> 0)
   OR TG_OP = 'UPDATE' AND pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'a file moves with its steps alone'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'gate_file_moves_with_steps';
END IF;
RETURN NEW;
"""


class GateArrow(models.Model):
    """An arrow of the gate as the database holds it (`opendata/gate_arrows.py`)."""

    action = models.CharField(max_length=10)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    duty = models.CharField(max_length=8)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="gate_arrow_once", fields=["action", "from_state", "to_state", "duty"])
        ]
        triggers = [append_only("gate_arrows_stay")]

    def __str__(self) -> str:
        return f"{self.action}: {self.from_state} to {self.to_state}"


class GateFile(models.Model):
    """A file handed in for an entry of the list, sealed. `state` follows its steps.

    Its name may say what must not leave: it is a sealed content of its own, and rows hold only how it ends.
    """

    entry = models.ForeignKey(CatalogueEntry, on_delete=models.PROTECT, related_name="gate_files")
    sha256 = models.CharField(max_length=64)
    name_sha256 = models.CharField(max_length=64)
    ending = models.CharField(max_length=8, blank=True)
    size = models.BigIntegerField()
    scope = models.CharField(max_length=60, help_text="the dataset or linkage group whose key masks its values")
    uploaded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    state = models.CharField(max_length=14, default="", blank=True)
    state_since = models.DateTimeField()
    steps_taken = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="gate_files_by_state", fields=["state", "id"])]
        constraints = [
            models.CheckConstraint(name="gate_state_is_known", condition=Q(state__in=["", *GateState.values])),
            models.CheckConstraint(
                name="gate_file_has_its_digests",
                condition=Q(sha256__regex=SHA256_PATTERN, name_sha256__regex=SHA256_PATTERN)
                & Q(ending__regex="^[a-z0-9]{0,8}$"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="gate_files_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="gate_files_keep_what_they_are", exclude=["state", "state_since", "steps_taken"]
            ),
            pgtrigger.Trigger(
                name="gate_file_moves_with_steps", when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update, func=_FOLLOWS,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class GateDutyHeld(models.Model):
    """The one duty that a person has at a file: who uploads does not judge, and neither of them releases."""

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="duties")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    duty = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_duty_of_a_person", fields=["file", "person"]),
            models.UniqueConstraint(name="gate_duty_once", fields=["file", "person", "duty"]),
            models.CheckConstraint(
                name="gate_duty_of_a_person", condition=Q(duty__in=[GateDuty.UPLOAD, GateDuty.JUDGE, GateDuty.RELEASE])
            ),
        ]
        triggers = [
            append_only("gate_duties_stay"),
            pgtrigger.Trigger(
                name="gate_duty_of_somebody", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_PEOPLE
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} {self.person_id} {self.duty}"


class GateStep(models.Model):
    """One step of a file along an arrow, numbered from 1 without gaps."""

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    previous = models.PositiveIntegerField(null=True)
    action = models.CharField(max_length=10)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    duty = models.CharField(max_length=8)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["file", "number"]
        constraints = [
            models.UniqueConstraint(name="gate_step_once", fields=["file", "number"]),
            models.UniqueConstraint(name="gate_step_that_is_followed", fields=["file", "number", "to_state"]),
            models.CheckConstraint(
                name="gate_step_follows_another",
                condition=Q(number=1, previous__isnull=True, from_state="")
                | Q(number__gt=1, previous=F("number") - 1) & ~Q(from_state=""),
            ),
            models.CheckConstraint(
                name="gate_step_by_person_or_machine",
                condition=Q(duty=GateDuty.MACHINE, person__isnull=True)
                | (~Q(duty=GateDuty.MACHINE) & Q(person__isnull=False)),
            ),
            models.CheckConstraint(
                name="gate_step_back_has_a_reason",
                condition=~Q(action__in=["withdraw", "refuse"]) | Q(reason__regex=r"\S"),
            ),
        ]
        triggers = [
            append_only("gate_steps_stay"),
            pgtrigger.Trigger(
                name="gate_steps_are_checked", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_CHECKED
            ),
            pgtrigger.Trigger(name="gate_steps_move", when=pgtrigger.After, operation=pgtrigger.Insert, func=_MOVE),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number} {self.action}"
