"""Accelerators, centres with their partitions, prices with their history, and tenants."""

from __future__ import annotations

from decimal import Decimal

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Region
from huisuan.protocol.agent import HUGE_CARDS


class Accelerator(models.Model):
    """One card of a model; `tflops_fp16` is its dense FP16 peak in TFLOPS."""

    model = models.CharField(max_length=60, unique=True)
    vendor = models.CharField(max_length=60)
    memory_gib = models.PositiveIntegerField()
    tflops_fp16 = models.DecimalField(max_digits=8, decimal_places=1)
    source = models.CharField(max_length=200, help_text="where the figures come from")

    class Meta:
        ordering = ["vendor", "model"]
        constraints = [
            models.CheckConstraint(name="accelerator_figures_not_negative", condition=Q(tflops_fp16__gte=0)),
            models.CheckConstraint(name="accelerator_names_its_source", condition=~Q(source="")),
        ]

    def __str__(self) -> str:
        return self.model


class Centre(models.Model):
    """A compute centre that joined. `operator` owns it: who is related to the operator uses its own."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120, blank=True)
    operator = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="centres")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="centres")
    timezone = models.CharField(max_length=40, default="Asia/Shanghai")
    engine = models.CharField(max_length=20, blank=True, help_text="what runs the platform's jobs here; empty: none")
    last_sequence = models.BigIntegerField(default=0, help_text="of its usage records; moved by the database")
    demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def capacity_p(self) -> Decimal:
        """Nameplate capacity in P (PFLOPS of dense FP16)."""
        return sum((partition.capacity_p for partition in self.partitions.all()), Decimal(0))


class Partition(models.Model):
    """Cards of one model at a centre, as its scheduler names them."""

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="partitions")
    name = models.CharField(max_length=60)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    nodes = models.PositiveIntegerField()
    cards_per_node = models.PositiveIntegerField()
    local_names = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="what the centre's scheduler calls the card (a800, 910b3), in small letters",
    )

    class Meta:
        ordering = ["centre", "name"]
        constraints = [
            models.UniqueConstraint(name="partition_once", fields=["centre", "name", "accelerator"]),
            models.CheckConstraint(
                name="partition_has_cards",
                condition=Q(nodes__gte=1, cards_per_node__gte=1, nodes__lte=HUGE_CARDS, cards_per_node__lte=1024),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id}/{self.name}"

    @property
    def cards(self) -> int:
        """Cards in the partition."""
        return self.nodes * self.cards_per_node

    @property
    def capacity_p(self) -> Decimal:
        """P of the partition: cards x TFLOPS of dense FP16 / 1000."""
        return self.cards * self.accelerator.tflops_fp16 / 1000


class Tariff(models.Model):
    """Price of a card-hour at a centre in fen, from a day until a day (the end day is not in it)."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="tariffs")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    fen_per_card_hour = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["centre", "accelerator", "valid_from"]
        constraints = [
            models.CheckConstraint(
                name="tariff_price_is_sane", condition=Q(fen_per_card_hour__gte=0, fen_per_card_hour__lte=10_000_000)
            ),
            models.CheckConstraint(
                name="tariff_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="tariff_days_do_not_overlap",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    PERFORM 1 FROM compute_centre WHERE id = NEW.centre_id FOR UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM compute_tariff t
                        WHERE t.centre_id = NEW.centre_id AND t.accelerator_id = NEW.accelerator_id AND t.id <> NEW.id
                          AND t.valid_from < COALESCE(NEW.valid_to, 'infinity'::date)
                          AND NEW.valid_from < COALESCE(t.valid_to, 'infinity'::date)
                    ) THEN
                        RAISE EXCEPTION 'tariff overlaps one that stands' USING ERRCODE = 'exclusion_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.accelerator_id}: {self.fen_per_card_hour} fen from {self.valid_from}"


class TariffStep(models.TextChoices):
    """What became of a tariff."""

    SET = "set", "设定"
    CORRECTED = "corrected", "更正"
    ENDED = "ended", "截止"


class TariffChange(models.Model):
    """One step in the life of a tariff, as the tariff stands since. The end day is not in it.

    `before_fen` is the price that a correction took away. A tariff that gives way to a later one is `ended`.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="tariff_changes")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=9, choices=TariffStep)
    fen_per_card_hour = models.BigIntegerField()
    before_fen = models.BigIntegerField(null=True, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="tariff_change_says_by_whom", condition=~Q(by="")),
            models.CheckConstraint(
                name="tariff_change_is_known", condition=Q(step__in=TariffStep.values, fen_per_card_hour__gte=0)
            ),
            models.CheckConstraint(
                name="tariff_correction_names_the_price_before",
                condition=Q(step=TariffStep.CORRECTED, before_fen__isnull=False)
                | (~Q(step=TariffStep.CORRECTED) & Q(before_fen__isnull=True)),
            ),
        ]
        triggers = [append_only("tariff_changes_stay")]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.accelerator_id} {self.step} {self.fen_per_card_hour}"


class Tenant(models.Model):
    """Which party an account or a user of a centre's scheduler stands for; a user goes before its account."""

    class Kind(models.TextChoices):
        """What the name names: an account `physics` may be another than the user `physics`."""

        EITHER = "", "账户或用户"
        ACCOUNT = "account", "账户"
        USER = "user", "用户"

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="tenants")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EITHER, blank=True)
    name = models.CharField(max_length=120, help_text="account or user, as the scheduler writes it")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["centre", "name"]
        constraints = [models.UniqueConstraint(name="tenant_once", fields=["centre", "kind", "name"])]

    def __str__(self) -> str:
        return self.name
