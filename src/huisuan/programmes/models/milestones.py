"""What became of a milestone: reports, the panel that looks at it, its acceptance. Append-only.

A milestone is accepted once.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.contracts import Milestone
from huisuan.programmes.models.experts import Expert
from huisuan.programmes.models.review import Draw


class MilestoneReport(models.Model):
    """What the applicant reports of a milestone: in words, and what was reached of its targets (`reached`, by code)."""

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    text = models.CharField(max_length=4000)
    reached = models.JSONField(default=dict, help_text="by code of the target, a figure as text")
    late = models.BooleanField(help_text="it came after the last day")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["milestone", "number"]
        constraints = [
            models.UniqueConstraint(name="milestone_report_once", fields=["milestone", "number"]),
            models.CheckConstraint(name="milestone_report_says_something", condition=~Q(text="") & Q(number__gte=1)),
        ]
        triggers = [
            append_only("milestone_reports_stay"),
            pgtrigger.Trigger(
                name="nothing_is_reported_while_a_panel_votes",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_acceptancevote v
                        JOIN programmes_acceptanceseat s ON s.id = v.seat_id
                        LEFT JOIN programmes_votesetaside a ON a.vote_id = v.id
                        WHERE s.milestone_id = NEW.milestone_id AND NOT v."left" AND a.id IS NULL AND v.round > (
                            SELECT count(*) FROM programmes_milestoneresult r
                            WHERE r.milestone_id = NEW.milestone_id))
                    THEN
                        RAISE EXCEPTION 'what a panel is voting on stays as it was reported' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_reported_while_a_panel_votes';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.number}"


class AcceptanceSeat(models.Model):
    """A place in the panel drawn for a milestone, or behind it in the row of alternates; from 1 through both."""

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="acceptance_seats")
    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="seats")
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="acceptance_seats")
    position = models.PositiveSmallIntegerField()
    panel = models.PositiveSmallIntegerField(help_text="how many sit at once")

    class Meta:
        ordering = ["milestone", "position"]
        constraints = [
            models.UniqueConstraint(name="one_panel_a_milestone", fields=["milestone", "position"]),
            models.UniqueConstraint(name="one_acceptance_seat_an_expert", fields=["milestone", "expert"]),
        ]
        triggers = [append_only("acceptance_seats_stay")]

    def __str__(self) -> str:
        return f"{self.milestone_id}/{self.position}"


class AcceptanceVote(models.Model):
    """What an expert of the panel said: accepted or not, with a score (0 to 100); or why the seat was left.

    A panel that has refused votes again on what was reported since: that is its next `round`.
    """

    seat = models.ForeignKey(AcceptanceSeat, on_delete=models.PROTECT, related_name="votes")
    round = models.PositiveSmallIntegerField(default=1, help_text="from 1; one more than the results there are")
    left = models.BooleanField(default=False)
    accepts = models.BooleanField(null=True)
    score = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["seat", "round"]
        constraints = [
            models.UniqueConstraint(name="one_vote_a_round", fields=["seat", "round"]),
            models.CheckConstraint(
                name="a_vote_or_an_empty_seat",
                condition=~Q(reason="")
                & (Q(left=True, accepts__isnull=True, score__isnull=True)
                   | Q(left=False, accepts__isnull=False, score__lte=100)),
            ),
        ]  # fmt: skip
        triggers = [
            append_only("acceptance_votes_stay"),
            pgtrigger.Trigger(
                name="votes_are_of_the_round_that_is_open",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.round <> 1 + (
                        SELECT count(*) FROM programmes_milestoneresult r
                        JOIN programmes_acceptanceseat s ON s.milestone_id = r.milestone_id
                        WHERE s.id = NEW.seat_id)
                    THEN
                        RAISE EXCEPTION 'a vote is of the round after the last result' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'votes_are_of_the_round_that_is_open';
                    END IF;
                    IF EXISTS (
                        SELECT 1 FROM programmes_acceptancevote v
                        LEFT JOIN programmes_votesetaside a ON a.vote_id = v.id
                        WHERE v.seat_id = NEW.seat_id AND (v."left" OR a.id IS NOT NULL))
                    THEN
                        RAISE EXCEPTION 'nobody votes from a seat that was left' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'nobody_votes_from_a_seat_that_was_left';
                    END IF;
                    IF NOT NEW."left" AND NOT EXISTS (
                        SELECT 1 FROM programmes_acceptanceseat s
                        JOIN programmes_expert e ON e.id = s.expert_id
                        JOIN programmes_milestone m ON m.id = s.milestone_id
                        JOIN programmes_contract c ON c.id = m.contract_id
                        JOIN programmes_dutyheld d
                          ON d.application_id = c.application_id AND d.person_id = e.person_id AND d.duty = 'review'
                        WHERE s.id = NEW.seat_id AND e.person_id = NEW.by_id)
                    THEN
                        RAISE EXCEPTION 'who votes has the duty to review and no other' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'who_votes_has_the_duty_to_review';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seat_id}"


class VoteSetAside(models.Model):
    """A vote that does not count, as who gave it is tied since: it stays on record, the next alternate sits."""

    vote = models.OneToOneField(AcceptanceVote, on_delete=models.PROTECT, related_name="set_aside")
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="vote_set_aside_says_why", condition=~Q(reason=""))]
        triggers = [
            append_only("votes_set_aside_stay"),
            pgtrigger.Trigger(
                name="votes_are_set_aside_before_acceptance",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_acceptancevote v
                        JOIN programmes_acceptanceseat s ON s.id = v.seat_id
                        LEFT JOIN programmes_milestoneresult r ON r.milestone_id = s.milestone_id AND r.accepted
                        WHERE v.id = NEW.vote_id AND (v."left" OR r.id IS NOT NULL))
                    THEN
                        RAISE EXCEPTION 'a vote is set aside before its milestone is accepted' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'votes_are_set_aside_before_acceptance';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vote_id}"


class MilestoneResult(models.Model):
    """Whether a milestone was accepted, with a score in hundredths (0 to 10000) and the reason; once accepted it is.

    `basis` is what it was seen by: reports, checks on site, votes, targets against what was reached.
    """

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="results")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    accepted = models.BooleanField()
    score = models.PositiveIntegerField(help_text="in hundredths of a mark")
    reason = models.CharField(max_length=1000)
    basis = models.JSONField(default=dict)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["milestone", "number"]
        constraints = [
            models.UniqueConstraint(name="milestone_result_once", fields=["milestone", "number"]),
            models.UniqueConstraint(name="accepted_once", fields=["milestone"], condition=Q(accepted=True)),
            models.CheckConstraint(name="milestone_result_says_why",
                                   condition=~Q(reason="") & Q(number__gte=1, score__lte=10_000)),
        ]  # fmt: skip
        triggers = [
            append_only("milestone_results_stay"),
            pgtrigger.Trigger(
                name="milestones_are_accepted_in_order",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__accepted=True),
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_milestone m
                        JOIN programmes_milestone before
                          ON before.contract_id = m.contract_id AND before.number < m.number
                        WHERE m.id = NEW.milestone_id AND NOT EXISTS (
                            SELECT 1 FROM programmes_milestoneresult r
                            WHERE r.milestone_id = before.id AND r.accepted))
                    THEN
                        RAISE EXCEPTION 'a milestone is accepted after those before it'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'milestones_are_accepted_in_order';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.accepted}"
