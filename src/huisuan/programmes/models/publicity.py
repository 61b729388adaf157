"""Public notices of what is about to be decided, objections to single lines, and the answers to them. Append-only.

A notice stands for a number of working days. `promised_end` is its end by the calendar as it was published then, and
never moves; a later end, where free days were added meanwhile, follows from the calendar (publicity/period.py).
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application, ApplicationStep
from huisuan.programmes.models.limits import LARGEST_BYTES
from huisuan.programmes.models.offices import Post

_SHA256 = "^[0-9a-f]{64}$"
#: the steps by which objections are answered: whoever took another one has handled the application (the trigger below)
ANSWERING_ACTIONS = ("suspend", "resume", "uphold")


class PublicNotice(models.Model):
    """A list of applications that stand in public, under one programme of a policy."""

    number = models.CharField(max_length=16, unique=True)
    policy = models.CharField(max_length=60)
    programme = models.CharField(max_length=60, help_text='key of its rule ("2.2")')
    title = models.CharField(max_length=120)
    office = models.CharField(max_length=80, help_text="that publishes it")
    working_days = models.PositiveSmallIntegerField()
    own_day = models.BooleanField(help_text="whether the day of the notice is one of them")
    published_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()
    promised_end = models.DateTimeField(null=True, help_text="none: a year was not published then")
    certain_until = models.DateTimeField(help_text="until then it stood in any case")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="notice_is_named", condition=~Q(title="") & ~Q(office="")),
            models.CheckConstraint(name="notice_stands_for_days", condition=Q(working_days__gte=1)),
            models.CheckConstraint(
                name="notice_ends_after_it_begins",
                condition=Q(promised_end__isnull=True) | Q(promised_end__gt=F("published_at")),
            ),
        ]
        triggers = [append_only("notices_stay")]

    def __str__(self) -> str:
        return self.number


class NoticeLine(models.Model):
    """One application on a notice: who, what for, how much. `step` is the act that put it there."""

    notice = models.ForeignKey(PublicNotice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField(help_text="from 1")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="notice_lines")
    step = models.OneToOneField(ApplicationStep, on_delete=models.PROTECT, related_name="notice_line")
    applicant = models.CharField(max_length=200, help_text="its name on the day")
    amount_fen = models.BigIntegerField(null=True, help_text="none: nothing is paid, or it is not computed")
    reason = models.CharField(max_length=1000)

    class Meta:
        ordering = ["notice", "position"]
        constraints = [
            models.UniqueConstraint(name="notice_line_once", fields=["notice", "position"]),
            models.UniqueConstraint(name="application_once_on_a_notice", fields=["notice", "application"]),
            models.CheckConstraint(name="notice_line_says_why", condition=~Q(reason="") & ~Q(applicant="")),
            models.CheckConstraint(
                name="notice_line_of_no_debt", condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0)
            ),
        ]
        triggers = [
            append_only("notice_lines_stay"),
            pgtrigger.Trigger(
                name="notice_lines_follow_an_act",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_applicationstep s
                        WHERE s.id = NEW.step_id AND s.application_id = NEW.application_id AND s.action = 'publicise')
                    THEN
                        RAISE EXCEPTION 'an application comes onto a notice by an act on it'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_lines_follow_an_act';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}/{self.position}"


class Objection(models.Model):
    """An objection to one line, by anybody. Name, contact, facts and files are for the office, never for the public.

    Nothing of it changes but that, on record (`ObjectorErasure`), name, contact and place are erased.
    `code` is what the objector follows it with; `place` is a keyed digest of where it came from, to limit floods.
    """

    line = models.ForeignKey(NoticeLine, on_delete=models.PROTECT, related_name="objections")
    code = models.CharField(max_length=14, unique=True)
    name = models.CharField(max_length=80)
    contact = models.CharField(max_length=120)
    facts = models.TextField(max_length=5000)
    place = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(help_text="the platform's clock when the whole request had come")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(name="objections_by_place", fields=["place", "at"])]
        constraints = [
            models.CheckConstraint(
                name="objection_is_somebodys",
                condition=~Q(facts="")
                & ~Q(code="")
                & (~Q(name="") & ~Q(contact="") | Q(name="") & Q(contact="") & Q(place="")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="objections_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="objections_keep_what_they_say", exclude=["name", "contact", "place"]),
            pgtrigger.Trigger(
                name="objectors_are_erased_on_record",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF TG_OP = 'INSERT' AND NEW.name = '' OR TG_OP = 'UPDATE' AND NOT (
                        NEW.name = '' AND NEW.contact = '' AND NEW.place = '' AND EXISTS (
                            SELECT 1 FROM programmes_objectorerasure e WHERE e.objection_id = NEW.id))
                    THEN
                        RAISE EXCEPTION 'who objected is kept, or erased on record'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'objectors_are_erased_on_record';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="objections_follow_the_notice",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_noticeline l JOIN programmes_publicnotice n ON n.id = l.notice_id
                        WHERE l.id = NEW.line_id AND NEW.at < n.published_at)
                    THEN
                        RAISE EXCEPTION 'nothing is objected to before it is published'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'objections_follow_the_notice';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.at}"


class ObjectorErasure(models.Model):
    """That name and contact of an objection were erased: when, and after how many days from its answer."""

    objection = models.OneToOneField(Objection, on_delete=models.PROTECT, related_name="erasure")
    kept_days = models.PositiveIntegerField(help_text="as set on the day of its notice")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers = [
            append_only("objector_erasures_stay"),
            pgtrigger.Trigger(
                name="objectors_are_erased_in_time",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_objectionanswer a
                        WHERE a.objection_id = NEW.objection_id
                          AND a.at + make_interval(hours => 24 * NEW.kept_days::int) <= NEW.at)
                    THEN
                        RAISE EXCEPTION 'who objected is kept for the days that are set'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'objectors_are_erased_in_time';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.objection_id} {self.at}"


class ObjectionFile(models.Model):
    """A file that came with an objection, kept under the SHA-256 of its content like evidence."""

    objection = models.ForeignKey(Objection, on_delete=models.PROTECT, related_name="files")
    filename = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="objection_file_once", fields=["objection", "sha256"]),
            models.CheckConstraint(
                name="objection_file_is_one",
                condition=Q(sha256__regex=_SHA256, size__gt=0, size__lte=LARGEST_BYTES) & ~Q(filename=""),
            ),
        ]
        triggers = [append_only("objection_files_stay")]

    def __str__(self) -> str:
        return f"{self.objection_id} {self.filename}"


class ObjectionTry(models.Model):
    """Somebody tried to object, kept or refused: its files cost work either way. Swept once it limits nothing more."""

    place = models.CharField(max_length=64, help_text="as of an objection")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="objection_tries_by_place", fields=["place", "at"])]
        constraints = [models.CheckConstraint(name="objection_try_has_a_place", condition=~Q(place=""))]

    def __str__(self) -> str:
        return f"{self.place[:8]} {self.at}"


class ObjectionArrival(models.Model):
    """An objection that came in time and whose files are still being read: nothing of the line is decided meanwhile.

    Gone as soon as the objection is kept or refused; where that never came to its end it counts no more after `until`.
    """

    line = models.ForeignKey(NoticeLine, on_delete=models.CASCADE, related_name="arrivals")
    until = models.DateTimeField(help_text="by then its files are read, or never are")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.line_id} {self.until}"


class ObjectionAnswer(models.Model):
    """What became of an objection, and why; by a post to publish of somebody who has not handled the application."""

    objection = models.OneToOneField(Objection, on_delete=models.PROTECT, related_name="answer")
    upheld = models.BooleanField()
    text = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="objection_answer_says_why", condition=~Q(text=""))]
        triggers = [
            append_only("objection_answers_stay"),
            pgtrigger.Trigger(
                name="objections_are_answered_by_others",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_post p
                        WHERE p.id = NEW.post_id AND p.person_id = NEW.by_id AND p.duty = 'publish')
                    OR EXISTS (
                        SELECT 1 FROM programmes_objection o
                        JOIN programmes_noticeline l ON l.id = o.line_id
                        JOIN programmes_applicationstep s ON s.application_id = l.application_id
                        WHERE o.id = NEW.objection_id AND s.person_id = NEW.by_id
                          AND s.action NOT IN ('suspend', 'resume', 'uphold'))
                    THEN
                        RAISE EXCEPTION 'an objection is answered by somebody who has not handled the application'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'objections_are_answered_by_others';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.objection_id} {'upheld' if self.upheld else 'turned down'}"
