"""Who speaks for a centre, and how many cards were really seen there."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.compute.models.jobs import Job
from huisuan.protocol.agent import HUGE_CARDS

HEX_64 = r"^[0-9a-f]{64}$"


class Invitation(models.Model):
    """A word with which one agent may join for a centre, once, until it expires; only its SHA-256 is kept."""

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invitation_expires_after_it_begins", condition=Q(expires_at__gt=F("created_at"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} until {self.expires_at:%F}"


class AgentKey(models.Model):
    """The Ed25519 key of an agent that joined: what it sends is signed by it. Revoked, it is believed no more."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=36, unique=True, help_text="a UUID, made by the agent once")
    public_key = models.CharField(max_length=64, unique=True, help_text="32 bytes in hex")
    host = models.CharField(max_length=120)
    enrolled_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)
    last_request = models.BigIntegerField(default=0, help_text="number of its last request: one before is a replay")
    # the head of its chain of signed batches
    last_batch = models.BigIntegerField(default=0)
    chain = models.CharField(max_length=64, default="0" * 64, help_text="digest of its last batch")
    clock_wrong_at = models.DateTimeField(
        null=True, blank=True, help_text="since when its clock is out by more than the limit; not served meanwhile"
    )
    skew_ms = models.BigIntegerField(null=True, blank=True, help_text="by how much, while it is wrong")

    class Meta:
        ordering = ["centre", "enrolled_at"]
        constraints = [
            models.CheckConstraint(name="agent_key_has_its_form", condition=Q(public_key__regex=HEX_64)),
            models.CheckConstraint(name="agent_chain_has_its_form", condition=Q(chain__regex=HEX_64)),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.host}"


class SiteAgent(models.Model):
    """The one agent that serves a centre; another may take over only when it has been silent for long.

    Without it two agents of one centre would each run every job. `boot` tells two copies of one agent apart.
    """

    centre = models.OneToOneField(Centre, on_delete=models.CASCADE, related_name="agent")
    key = models.ForeignKey(AgentKey, on_delete=models.PROTECT, related_name="+")
    boot = models.CharField(max_length=36, help_text="a UUID, made at each start of the agent")
    host = models.CharField(max_length=120)
    version = models.CharField(max_length=40)
    engine = models.CharField(max_length=20)
    capabilities = models.JSONField(default=dict, help_text="flag -> [whether, why]")
    skew_ms = models.BigIntegerField(default=0, help_text="its clock minus the platform's, milliseconds")
    last_seen_at = models.DateTimeField()
    health = models.JSONField(default=list, help_text="its last self-check: what, well, remedy")
    health_at = models.DateTimeField(null=True, blank=True, help_text="when it came")
    health_asked_at = models.DateTimeField(null=True, blank=True, help_text="when somebody asked for another")
    nodes_at = models.DateTimeField(null=True, blank=True, help_text="when the nodes were told, or told to be the same")

    def __str__(self) -> str:
        return f"{self.centre_id} {self.host}"


class CentreNode(models.Model):
    """A node as the centre's own scheduler shows it now; replaced as a whole whenever it changes."""

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="seen_nodes")
    name = models.CharField(max_length=120)
    partition = models.CharField(max_length=60, blank=True)
    local_card = models.CharField(max_length=60, blank=True, help_text="as the scheduler names it")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    cards = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, help_text="up, down, drained")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["centre", "name"]
        constraints = [
            models.UniqueConstraint(name="node_once", fields=["centre", "name", "partition", "local_card"]),
            models.CheckConstraint(name="node_state_is_known", condition=Q(state__in=["up", "down", "drained"])),
            models.CheckConstraint(name="node_has_not_too_many_cards", condition=Q(cards__lte=HUGE_CARDS)),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id}/{self.name}"


class CapacitySighting(models.Model):
    """The cards of a model that the agent saw on a day (Shanghai): the most, and the least, at once."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="sightings")
    day = models.DateField()
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    most = models.PositiveIntegerField(help_text="cards, up or not")
    least_up = models.PositiveIntegerField(help_text="cards of nodes that were up")

    class Meta:
        ordering = ["centre", "day", "accelerator"]
        constraints = [models.UniqueConstraint(name="sighting_once", fields=["centre", "day", "accelerator"])]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.day}: {self.most}"


class CapacityAttestation(models.Model):
    """What a benchmark job measured on a card: dense FP16 matrix multiplication, in TFLOPS."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="attestations")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="attestations")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    node = models.CharField(max_length=120)
    device = models.CharField(max_length=120, help_text="as the card names itself")
    index = models.PositiveIntegerField(help_text="which card of the job")
    tflops_fp16 = models.DecimalField(max_digits=8, decimal_places=1)
    measured_at = models.DateTimeField()

    class Meta:
        ordering = ["centre", "-measured_at"]
        constraints = [models.UniqueConstraint(name="attestation_once", fields=["job", "node", "index"])]
        triggers = [
            append_only("attestations_stay"),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.device}: {self.tflops_fp16}"
