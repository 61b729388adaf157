"""Draws of review panels with all that they were made from, their seats, and who left a seat. Append-only."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.calls import Call
from huisuan.programmes.models.experts import Expert


class Draw(models.Model):
    """A draw: its seed, and its inputs, from which anyone comes to the same seats.

    What the seed was made from stands in the inputs under `seed`; a draw of before has a published seed instead.
    """

    title = models.CharField(max_length=120, help_text="of what: a call and its round")
    seed = models.CharField(max_length=200, help_text="the one that counts")
    word = models.CharField(max_length=200, blank=True, help_text="what whoever drew said; it decides nothing")
    reason = models.CharField(max_length=500, blank=True, help_text="why more were drawn for a panel that there was")
    inputs = models.JSONField(help_text="applications, experts and terms, as the draw saw them")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the inputs' canonical JSON")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="draw_once", fields=["title"]),
            models.CheckConstraint(
                name="draw_says_of_what_and_by_whom",
                condition=~Q(title="") & ~Q(seed="") & ~Q(by="") & Q(digest__regex="^[0-9a-f]{64}$"),
            ),
        ]
        triggers = [append_only("draws_stay")]

    def __str__(self) -> str:
        return self.title


class SeedCommitment(models.Model):
    """That an office committed to a word for the draws of a call, before anything was handed in: its digest."""

    call = models.OneToOneField(Call, on_delete=models.PROTECT, related_name="seed_commitment")
    digest = models.CharField(max_length=64, help_text="SHA-256 of `call number|word`")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="seed_commitment_is_a_digest", condition=Q(digest__regex="^[0-9a-f]{64}$"))
        ]
        triggers = [
            append_only("seed_commitments_stay"),
            pgtrigger.Trigger(
                name="seeds_are_committed_before_submissions",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM programmes_call WHERE id = NEW.call_id FOR UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM programmes_applicationsubmission s
                        JOIN programmes_application a ON a.id = s.application_id WHERE a.call_id = NEW.call_id)
                       OR NEW.at >= (
                        SELECT (c.last_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
                        FROM programmes_call c WHERE c.id = NEW.call_id)
                    THEN
                        RAISE EXCEPTION 'a seed is committed before anything is handed in' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'seeds_are_committed_before_submissions';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.digest[:12]}"


class PanelSeat(models.Model):
    """A place in a panel or, behind those, in the row of alternates: `position` counts through both from 1."""

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="seats")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="seats")
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="seats")
    position = models.PositiveSmallIntegerField()
    alternate = models.BooleanField()

    class Meta:
        ordering = ["application", "position"]
        constraints = [
            models.UniqueConstraint(name="one_draw_an_application", fields=["application", "position"]),
            models.UniqueConstraint(name="one_seat_an_expert", fields=["application", "expert"]),
        ]
        triggers = [append_only("panel_seats_stay")]

    def __str__(self) -> str:
        return f"{self.application_id}/{self.position}"


class SeatEnd(models.Model):
    """Why somebody left a seat, or an alternate was passed over; who took the place, if anybody."""

    seat = models.OneToOneField(PanelSeat, on_delete=models.PROTECT, related_name="end")
    successor = models.OneToOneField(PanelSeat, on_delete=models.PROTECT, null=True, related_name="predecessor")
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="seat_end_has_a_reason", condition=~Q(reason="") & ~Q(by="")),
            models.CheckConstraint(name="nobody_succeeds_himself", condition=~Q(seat=models.F("successor"))),
        ]
        triggers = [append_only("seat_ends_stay")]

    def __str__(self) -> str:
        return f"{self.seat_id}: {self.reason}"
