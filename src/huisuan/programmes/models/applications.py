"""Applications: the procedure that each began under, the steps that it took, and the one duty of each person in it.

The database holds the procedure. A step is an edge of it, begins where the step before ended, and is taken under the
one duty that its person has in the application: all three are foreign keys (0004 adds those over several columns).
What an application is now is a cache that the steps move; see decision 041.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.law.procedure import Duty, State
from huisuan.parties.models import Party, Person, Region
from huisuan.programmes.models.counts.by_day import STANDING_TRIGGERS, WAIT_TRIGGER
from huisuan.programmes.models.drafts import Draft
from huisuan.programmes.models.offices import Post

_STATES, _DUTIES = [state.value for state in State], [duty.value for duty in Duty]
_SHA256 = "^[0-9a-f]{64}$"
NO_HASH = "0" * 64  # before the first step
#: a decision has chosen it, whatever came after
CHOSEN_STATES = (
    State.DECIDED.value, State.CONTRACTED.value, State.COMMITTED.value, State.PAYING.value, State.MONITORED.value,
    State.IN_RECOVERY.value, State.CLOSED.value,
)  # fmt: skip
#: it claims nothing any more
OVER_STATES = (State.REFUSED.value, State.WITHDRAWN.value)
#: nothing was handed in yet, or it claims nothing any more
NOT_CLAIMING_STATES = (State.DRAFT.value, *OVER_STATES)


class ProcedureEdition(models.Model):
    """A procedure as it was when an application first began under it: its content, under its digest."""

    policy = models.CharField(max_length=60)
    key = models.CharField(max_length=60, help_text='of its rule ("2.2")')
    digest = models.CharField(max_length=64)
    content = models.JSONField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="procedure_edition_once", fields=["policy", "key", "digest"]),
            models.CheckConstraint(name="edition_has_its_digest", condition=Q(digest__regex=_SHA256)),
        ]
        triggers = [append_only("procedure_editions_stay")]

    def __str__(self) -> str:
        return f"{self.policy} {self.key} {self.digest[:8]}"

    @property
    def rule_key(self) -> str:
        """The rule that says the amount: several ways to carry one out are several procedures."""
        return str(self.content.get("rule") or self.key)


class ProcedureEdge(models.Model):
    """One way from a state to another in an edition: by which action, under which duty, in which office."""

    edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="edges")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=20)
    to_state = models.CharField(max_length=20)
    duty = models.CharField(max_length=10)
    office = models.CharField(max_length=80, blank=True, help_text="empty: the applicant's own")
    within = models.CharField(max_length=60, blank=True, help_text="the setting of its working days")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="procedure_edge_once", fields=["edition", "action", "from_state", "to_state", "duty"]
            ),
            models.UniqueConstraint(name="an_action_leads_to_one_state", fields=["edition", "action", "from_state"]),
            models.CheckConstraint(
                name="edge_between_states",
                condition=Q(from_state__in=_STATES, to_state__in=_STATES, duty__in=_DUTIES),
            ),
            models.CheckConstraint(
                name="only_officials_have_an_office",
                condition=(Q(duty=Duty.APPLY.value) & Q(office="")) | (~Q(duty=Duty.APPLY.value) & ~Q(office="")),
            ),
        ]
        triggers = [append_only("procedure_edges_stay")]

    def __str__(self) -> str:
        return f"{self.action}: {self.from_state} to {self.to_state}"


class NumberSeries(models.Model):
    """The last number given in a year: counted in the transaction that uses it, so that none is missing."""

    year = models.PositiveSmallIntegerField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year} {self.last}"


class Application(models.Model):
    """A claim of a party, or of a city, under a programme. `state` and `steps_taken` follow its steps.

    `amount_fen` is what its decision granted, or the award that took its place.
    """

    number = models.CharField(max_length=16, unique=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="applications")
    city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="+")
    edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="applications")
    year = models.PositiveSmallIntegerField(help_text="the year that it claims for")
    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, null=True, related_name="applications")
    call = models.ForeignKey(
        "programmes.Call", on_delete=models.PROTECT, null=True, related_name="applications", help_text="none: an offer"
    )
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    state = models.CharField(max_length=20, default=State.DRAFT.value)
    state_since = models.DateTimeField()
    amount_fen = models.BigIntegerField(null=True)
    steps_taken = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="applications_by_state", fields=["edition", "state", "id"])]
        constraints = [
            models.CheckConstraint(
                name="application_of_a_party_or_a_city",
                condition=Q(party__isnull=False, city__isnull=True) | Q(party__isnull=True, city__isnull=False),
            ),
            models.UniqueConstraint(
                name="a_draft_is_one_application",
                fields=["draft"],
                condition=~Q(state__in=[State.REFUSED.value, State.WITHDRAWN.value]),
            ),
            models.CheckConstraint(
                name="what_a_call_asked_for_has_a_draft", condition=Q(call__isnull=True) | Q(draft__isnull=False)
            ),
            models.CheckConstraint(name="application_state_is_known", condition=Q(state__in=_STATES)),
            models.CheckConstraint(
                name="application_of_no_debt", condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="applications_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="applications_keep_what_they_are",
                exclude=["state", "state_since", "amount_fen", "steps_taken", "edition"],
            ),
            pgtrigger.Trigger(
                name="state_moves_with_steps",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF TG_OP = 'INSERT' AND (NEW.state <> 'draft' OR NEW.steps_taken <> 0)
                        OR TG_OP = 'UPDATE' AND pg_trigger_depth() < 2
                           AND (NEW.state, NEW.state_since, NEW.amount_fen, NEW.steps_taken, NEW.edition_id)
                               IS DISTINCT FROM
                               (OLD.state, OLD.state_since, OLD.amount_fen, OLD.steps_taken, OLD.edition_id) THEN
                        RAISE EXCEPTION 'an application moves with its steps alone'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'state_moves_with_steps';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="objects_live_with_the_application",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.state IN ('refused', 'withdrawn') OR OLD.state = 'closed' AND OLD.amount_fen = 0)"
                    " IS DISTINCT FROM"
                    " (NEW.state IN ('refused', 'withdrawn') OR NEW.state = 'closed' AND NEW.amount_fen = 0))"
                ),
                func="""
                    UPDATE programmes_claimobject SET living = living WHERE application_id = NEW.id;
                    RETURN NULL;
                """,
            ),
            *STANDING_TRIGGERS,
        ]

    def __str__(self) -> str:
        return self.number


class DutyHeld(models.Model):
    """The one duty that a person has in an application, whatever posts the person holds."""

    pk = models.CompositePrimaryKey("application_id", "person_id")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="duties")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="duties")
    duty = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="duty_held_once", fields=["application", "person", "duty"]),
            models.CheckConstraint(name="duty_held_is_known", condition=Q(duty__in=_DUTIES)),
        ]
        triggers = [append_only("duties_held_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.person_id} {self.duty}"


# By statement: an act on thousands is one statement. EXECUTE, as the plan of a static statement is made once for a
# session, from small tables, and is quadratic on large ones (decision 038).
_MOVE = """
    EXECUTE $sql$
        SELECT EXISTS (
            SELECT 1 FROM new_steps n JOIN programmes_application a ON a.id = n.application_id
            WHERE a.edition_id <> n.edition_id OR n.at < a.state_since)
    $sql$ INTO broken;
    IF broken THEN
        RAISE EXCEPTION 'a step is taken under the procedure of its application, after the step before'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'step_under_its_procedure';
    END IF;
    EXECUTE $sql$
        UPDATE programmes_application a
        SET state = n.to_state, state_since = n.at, steps_taken = n.number,
            amount_fen = COALESCE(n.amount_fen, a.amount_fen)
        FROM (
            SELECT DISTINCT ON (application_id) application_id, number, to_state, at, amount_fen
            FROM new_steps ORDER BY application_id, number DESC
        ) n WHERE a.id = n.application_id
    $sql$;
    RETURN NULL;
"""


class ApplicationStep(models.Model):
    """One act on an application, numbered from 1 without gaps, and the audit entry of it: `hash` covers all of it."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    previous = models.PositiveIntegerField(null=True, help_text="the number of the step before; none before the first")
    edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=20)
    to_state = models.CharField(max_length=20)
    duty = models.CharField(max_length=10)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="steps")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, null=True, related_name="steps")
    at = models.DateTimeField()
    reason = models.CharField(max_length=1000, blank=True)
    amount_fen = models.BigIntegerField(null=True, help_text="where the act sets the amount")
    payload = models.JSONField(default=dict)
    key = models.CharField(max_length=80, blank=True, help_text="the caller's, so that the same request acts once")
    asked = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="digest of what was asked under the key; none: of earlier versions",
    )
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["application", "number"]
        constraints = [
            models.UniqueConstraint(name="step_once", fields=["application", "number"]),
            models.UniqueConstraint(name="step_that_is_followed", fields=["application", "number", "to_state", "hash"]),
            models.UniqueConstraint(name="step_once_by_key", fields=["application", "key"], condition=~Q(key="")),
            models.CheckConstraint(
                name="step_follows_another",
                condition=Q(number=1, previous__isnull=True, from_state=State.DRAFT.value, previous_hash=NO_HASH)
                | Q(number__gt=1, previous=F("number") - 1),
            ),
            models.CheckConstraint(
                name="step_by_post_or_applicant",
                condition=Q(duty=Duty.APPLY.value, post__isnull=True)
                | (~Q(duty=Duty.APPLY.value) & Q(post__isnull=False)),
            ),
            models.CheckConstraint(name="step_has_its_hash", condition=Q(hash__regex=_SHA256)),
        ]
        triggers = [
            append_only("steps_stay"),
            pgtrigger.Trigger(
                name="steps_move_the_application",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_steps"),  # type: ignore[no-untyped-call]
                declare=[("broken", "boolean")],
                func=_MOVE,
            ),
            WAIT_TRIGGER,
        ]

    def __str__(self) -> str:
        return f"{self.application_id}/{self.number} {self.action}"
