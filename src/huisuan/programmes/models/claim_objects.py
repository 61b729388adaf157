"""The objects that applications claim for: one living claim on a ground holds each, and the database holds that."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Reverse

from huisuan.law.procedure import ObjectKind
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.submissions import ApplicationSubmission

_CODE = r"^\S+$"
# The unique key sees equal years alone: 0 is beside every other. One at a time, by a lock on the code.
_EVERY_YEAR = """
    IF NOT NEW.living OR TG_OP = 'UPDATE' AND OLD.living THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.kind || ' ' || NEW.series || ' ' || NEW.code, 0));
    IF EXISTS (
        SELECT 1 FROM programmes_claimobject o
        WHERE (o.policy, o.ground, o.kind, o.series, o.code)
              = (NEW.policy, NEW.ground, NEW.kind, NEW.series, NEW.code)
          AND o.living AND o.id <> NEW.id AND 0 IN (o.year, NEW.year))
    THEN
        RAISE EXCEPTION 'one_living_claim_holds_an_object: whatever the year is every year'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'one_living_claim_holds_an_object';
    END IF;
    RETURN NULL;
"""


class ClaimObject(models.Model):
    """An object that an application claims for on a ground of a policy, from a submission on.

    `series` is the code of the applicant where codes are its own (vouchers of a city), else empty; `year` is that for
    which it is held, 0 whatever the year. `part` counts what one city claims of it for that year after it was granted
    some: each names vouchers of its own. `living` is a cache that triggers move: the application is neither refused,
    revoked nor withdrawn, nor was all of it taken back, and no later submission has left the object out. One that
    `waits` is named by an earlier claim of another applicant, which holds it: it lives once that one is over.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="claim_objects")
    submission = models.ForeignKey(
        ApplicationSubmission,
        on_delete=models.PROTECT,
        null=True,
        related_name="claim_objects",
        help_text="none: an offer",
    )
    dropped_by = models.ForeignKey(ApplicationSubmission, on_delete=models.PROTECT, null=True, related_name="+")
    policy = models.CharField(max_length=60)
    ground = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    series = models.CharField(max_length=20, blank=True)
    year = models.PositiveSmallIntegerField(default=0)
    part = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=80)
    typed = models.CharField(max_length=320)
    living = models.BooleanField(default=True)
    waits = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["application", "kind", "code"]
        indexes = [
            models.Index(name="claim_object_by_code", fields=["kind", "series", "code"]),
            # whose code ends as another does: found by its beginning, read backwards
            models.Index("kind", "series", Collate(Reverse("code"), "C"), name="claim_object_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_living_claim_holds_an_object",
                fields=["policy", "ground", "kind", "series", "year", "code", "part"],
                condition=Q(living=True),
            ),
            models.CheckConstraint(
                name="claim_object_is_known", condition=Q(kind__in=[kind.value for kind in ObjectKind])
            ),
            models.CheckConstraint(name="claim_object_has_its_code", condition=Q(code__regex=_CODE) & ~Q(ground="")),
        ]
        triggers = [
            pgtrigger.Protect(name="claim_objects_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="claim_objects_keep_what_they_are", exclude=["living", "dropped_by", "waits"]),
            pgtrigger.Protect(
                name="what_is_held_never_waits_again",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__waits=False, new__waits=True),
            ),
            pgtrigger.Protect(
                name="what_is_dropped_stays_dropped",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__dropped_by__isnull=False, new__dropped_by__isnull=True),
            ),
            pgtrigger.Trigger(
                name="an_object_lives_with_its_claim",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    NEW.living := NOT NEW.waits AND NEW.dropped_by_id IS NULL AND EXISTS (
                        SELECT 1 FROM programmes_application a
                        WHERE a.id = NEW.application_id AND a.state NOT IN ('refused', 'withdrawn')
                          AND NOT (a.state = 'closed' AND COALESCE(a.amount_fen = 0, FALSE)));
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="a_further_part_follows_what_was_granted",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__part__gt=0),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_claimobject o
                        JOIN programmes_application a ON a.id = o.application_id
                        JOIN programmes_application mine ON mine.id = NEW.application_id
                        WHERE (o.policy, o.ground, o.kind, o.series, o.year, o.code, o.part)
                              = (NEW.policy, NEW.ground, NEW.kind, NEW.series, NEW.year, NEW.code, NEW.part - 1)
                          AND o.living AND NEW.year > 0 AND a.city_id = mine.city_id
                          AND a.state IN ('decided', 'contracted', 'committed', 'paying', 'monitored', 'in_recovery',
                                          'closed'))
                    THEN
                        RAISE EXCEPTION 'a further part is claimed of what the city was granted for that year' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'a_further_part_follows_what_was_granted';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="whatever_the_year_is_every_year",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_EVERY_YEAR,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind} {self.code}"
