"""The record of settings: proposals, what became of them, and what each would change. All append-only."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party


class Through(models.TextChoices):
    """By which door something was done."""

    WEB = "web", "网页"
    COMMAND = "command", "本机命令行"


class SettingsProposal(models.Model):
    """Settings and interpretations of a policy as somebody would have them, with their authority and first day.

    `values` holds the two tables of a settings file, exactly as they would be adopted.
    """

    policy = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    authority = models.CharField(max_length=200)
    document = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField(help_text="the first day on which the values hold")
    valid_to = models.DateField(null=True, help_text="the last one; empty: until something later prevails")
    values = models.TextField()
    names = models.JSONField(help_text="the settings and interpretations that it sets")
    proposed_by = models.CharField(max_length=80)
    proposed_through = models.CharField(max_length=10, choices=Through)
    proposed_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="settings_proposal_says_what_and_by_whom",
                condition=~Q(title="") & ~Q(authority="") & ~Q(values="") & ~Q(proposed_by=""),
            ),
            models.CheckConstraint(
                name="settings_proposal_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        triggers = [append_only("proposals_stay")]

    def __str__(self) -> str:
        return f"{self.policy} #{self.pk}"


class End(models.TextChoices):
    """What becomes of a proposal."""

    ADOPTED = "adopted", "已采用"
    WITHDRAWN = "withdrawn", "已撤回"


class ProposalEnd(models.Model):
    """What became of a proposal, once and for good.

    An adoption keeps the settings file word for word: `adoption/settings_files.py` writes it wherever it lacks.
    """

    proposal = models.OneToOneField(SettingsProposal, on_delete=models.PROTECT, related_name="end")
    end = models.CharField(max_length=10, choices=End)
    by = models.CharField(max_length=80)
    through = models.CharField(max_length=10, choices=Through)
    at = models.DateTimeField()
    known_from = models.DateField(null=True, help_text="the day of the adoption at Asia/Shanghai, or the next one")
    file = models.CharField(max_length=120, blank=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="proposal_end_is_whole",
                condition=(Q(end=End.ADOPTED, known_from__isnull=False) & ~Q(file="") & ~Q(text=""))
                | Q(end=End.WITHDRAWN, known_from__isnull=True, file="", text=""),
            ),
            models.CheckConstraint(name="proposal_end_says_by_whom", condition=~Q(by="")),
        ]
        triggers = [
            append_only("proposal_ends_stay"),
            pgtrigger.Trigger(
                name="nobody_adopts_their_own",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW."end" = 'adopted' AND EXISTS (
                        SELECT 1 FROM settlement_settingsproposal p
                        WHERE p.id = NEW.proposal_id AND lower(p.proposed_by) = lower(NEW."by")
                    ) THEN
                        RAISE EXCEPTION 'nobody adopts their own proposal' USING ERRCODE = 'check_violation';
                    END IF;
                    IF NEW.known_from - (NEW."at" AT TIME ZONE 'Asia/Shanghai')::date NOT IN (0, 1) THEN
                        RAISE EXCEPTION 'settings are known from the day of their adoption, or from the next'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.end}"


class ComparedAmount(models.TextChoices):
    """Which of an entitlement's two amounts a comparison is of."""

    OWED = "owed", "应享"
    PAYABLE = "payable", "可付"


class Comparison(models.Model):
    """What a proposal would change for the parties of a settled year: both sums, and who wins and loses how much.

    A proposal that changes only how rules combine is compared by what is payable, any other by what is owed.
    """

    proposal = models.ForeignKey(SettingsProposal, on_delete=models.PROTECT, related_name="comparisons")
    run = models.ForeignKey("settlement.SettlementRun", on_delete=models.PROTECT, related_name="comparisons")
    as_known = models.DateField(help_text="the day as of which both sides were read")
    law_before = models.CharField(max_length=64, help_text="digest of the policy without the proposal")
    law_after = models.CharField(max_length=64, help_text="digest of the policy with it")
    amount = models.CharField(max_length=10, choices=ComparedAmount, default=ComparedAmount.OWED)
    metered_again = models.BooleanField(help_text="facts taken anew: the proposal says how they are taken")
    statuses = models.JSONField(help_text="status -> [parties before, parties after]")
    parties = models.IntegerField()
    before_fen = models.BigIntegerField()
    after_fen = models.BigIntegerField()
    winners = models.IntegerField()
    won_fen = models.BigIntegerField()
    losers = models.IntegerField()
    lost_fen = models.BigIntegerField()
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="comparison_adds_up",
                condition=Q(after_fen=F("before_fen") + F("won_fen") - F("lost_fen")),
            ),
            models.CheckConstraint(name="comparison_is_of_an_amount", condition=Q(amount__in=ComparedAmount.values)),
        ]
        triggers = [append_only("comparisons_stay")]

    def __str__(self) -> str:
        return f"{self.proposal_id} / {self.run_id}"

    @property
    def difference_fen(self) -> int:
        """What the year costs more; negative: less."""
        return self.after_fen - self.before_fen


class ComparedParty(models.Model):
    """What a proposal would change for one party."""

    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="lines")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    status_before = models.CharField(max_length=20)
    status_after = models.CharField(max_length=20)
    before_fen = models.BigIntegerField()
    after_fen = models.BigIntegerField()
    difference_fen = models.BigIntegerField()

    class Meta:
        ordering = ["comparison", "difference_fen", "party"]
        constraints = [
            models.UniqueConstraint(name="compared_once", fields=["comparison", "party"]),
            models.CheckConstraint(
                name="compared_party_adds_up", condition=Q(difference_fen=F("after_fen") - F("before_fen"))
            ),
        ]
        triggers = [append_only("compared_parties_stay")]

    def __str__(self) -> str:
        return f"{self.comparison_id} {self.party_id}"
