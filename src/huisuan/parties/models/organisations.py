"""Regions, organisations and the relations between them."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only

USCC_PATTERN = "^[0-9A-HJ-NPQRTUWXY]{18}$"  # GB 32100-2015: no I, O, S, V, Z


class Region(models.Model):
    """An administrative division by its GB/T 2260 code: the 16 cities of Anhui, and the other provinces."""

    code = models.CharField(primary_key=True, max_length=6)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)

    class Meta:
        ordering = ["code"]
        constraints = [models.CheckConstraint(name="region_code_is_six_digits", condition=Q(code__regex=r"^\d{6}$"))]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    @property
    def in_anhui(self) -> bool:
        """Whether it lies in Anhui (province code 34)."""
        return self.code.startswith("34")


class PartyKind(models.TextChoices):
    """What an organisation is; whom a rule is for its own conditions say."""

    ENTERPRISE = "enterprise", "企业"
    UNIVERSITY = "university", "高校"
    INSTITUTE = "institute", "科研院所"
    CITY = "city", "市"
    DEPARTMENT = "department", "部门"
    CENTRE_OPERATOR = "centre_operator", "算力中心运营方"


class Party(models.Model):
    """An organisation by its unified social credit code (USCC, GB 32100-2015).

    `kind`, `region`, `status` and `registered_on` are what stands now; by day they are `StateChange`. The database
    checks the code's check digit too (see the first migration).
    """

    uscc = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=PartyKind)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="parties")
    status = models.CharField(max_length=10, default="active", help_text="see PartyStatus")
    registered_on = models.DateField(null=True, blank=True, help_text="the day of its registration in the region")
    demo = models.BooleanField(default=False, help_text="invented for the demonstration")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["uscc"]
        constraints = [
            models.CheckConstraint(name="party_uscc_has_its_form", condition=Q(uscc__regex=USCC_PATTERN)),
            models.CheckConstraint(name="party_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="party_kind_is_known", condition=Q(kind__in=PartyKind.values)),
            models.CheckConstraint(
                name="party_status_is_known", condition=Q(status__in=("active", "suspended", "dissolved"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.uscc}）"


class Relation(models.Model):
    """Who owns or controls whom, from a day until a day (the end day is not in it; none: still so); since when known.

    Append-only: of rows of one pair and first day the latest known counts (`parties.relation_history`); one that is
    `withdrawn` says that the relation never was.
    """

    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="owns")
    owned = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="owned_by")
    share_permille = models.PositiveSmallIntegerField(default=0, help_text="share held, in per mille")
    control = models.BooleanField(default=False, help_text="controls it whatever the share (agreement, board)")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    withdrawn = models.BooleanField(default=False, help_text="it was entered in error")
    known_from = models.DateField()
    source = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["owner", "owned", "valid_from", "known_from", "id"]
        indexes = [models.Index(fields=["owner", "owned", "valid_from", "known_from", "id"], name="relation_as_known")]
        constraints = [
            models.CheckConstraint(name="relation_is_between_two", condition=~Q(owner=F("owned"))),
            models.CheckConstraint(name="relation_share_is_per_mille", condition=Q(share_permille__lte=1000)),
            models.CheckConstraint(name="relation_says_something", condition=Q(control=True) | Q(share_permille__gt=0)),
            models.CheckConstraint(
                name="relation_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(name="relation_says_by_whom", condition=~Q(by="")),
        ]
        triggers = [
            append_only("relations_stay"),
            # at every day on which something became known, what was known until then does not overlap
            pgtrigger.Trigger(
                name="relation_days_do_not_overlap",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM parties_party WHERE id = NEW.owned_id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM parties_relation r WHERE r.owner_id = NEW.owner_id
                          AND r.owned_id = NEW.owned_id AND r.known_from > NEW.known_from
                    ) THEN
                        RAISE EXCEPTION 'relation is known before one that stands'
                            USING ERRCODE = 'exclusion_violation';
                    END IF;
                    IF NOT NEW.withdrawn AND EXISTS (
                        SELECT 1 FROM (
                            SELECT DISTINCT ON (valid_from) * FROM parties_relation
                            WHERE owner_id = NEW.owner_id AND owned_id = NEW.owned_id
                              AND valid_from <> NEW.valid_from
                            ORDER BY valid_from, known_from DESC, id DESC
                        ) r
                        WHERE NOT r.withdrawn AND r.valid_from < COALESCE(NEW.valid_to, 'infinity'::date)
                          AND NEW.valid_from < COALESCE(r.valid_to, 'infinity'::date)
                    ) THEN
                        RAISE EXCEPTION 'relation overlaps one that stands' USING ERRCODE = 'exclusion_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} -> {self.owned_id} from {self.valid_from}"
