"""What happened to people and to parties (append-only), and who tried to come in from where (kept for a day)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models.organisations import Party
from huisuan.parties.models.people import Person


class PersonAction(models.TextChoices):
    """What was done to, or by, a person."""

    ADDED = "added", "新增"
    DISABLED = "disabled", "停用"
    ENABLED = "enabled", "启用"
    PASSWORD = "password", "改口令"  # what happened, no secret
    MOVED = "moved", "调动"
    TOKEN_MADE = "token_made", "新建令牌"
    TOKEN_REVOKED = "token_revoked", "吊销令牌"
    FACTOR_SET = "factor_set", "登记两步验证"
    FACTOR_CODES = "factor_codes", "换恢复码"
    FACTOR_RESET = "factor_reset", "清除两步验证"
    RECOVERY_USED = "recovery_used", "用了恢复码"
    BOUND = "bound", "绑定统一身份"
    UNBOUND = "unbound", "解除统一身份"
    INVITED = "invited", "邀请同事"
    UNINVITED = "uninvited", "撤回邀请"
    SIGNED_IN = "signed_in", "登录"
    SIGNED_OUT = "signed_out", "退出所有登录"


class PersonEvent(models.Model):
    """Who did what to whom, when, from where. Never changed, never deleted."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=120, help_text="a username, or the system user of a command on this machine")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="events")
    what = models.CharField(max_length=20, choices=PersonAction)
    detail = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="person_event_says_what_and_by_whom", condition=Q(what__in=PersonAction.values) & ~Q(actor="")
            )
        ]
        triggers = [append_only("person_events_stay")]

    def __str__(self) -> str:
        return f"{self.at} {self.actor} {self.what} {self.person_id}"


class PartyChange(models.Model):
    """What was entered or changed of a party, when, by whom, from which file or page. Never changed, never deleted."""

    at = models.DateTimeField()
    by = models.CharField(max_length=120, help_text="a username, or the system user of a command on this machine")
    source = models.CharField(max_length=200, help_text="the file, or that it was a page")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="changes")
    before = models.JSONField(default=dict, help_text="column -> value that it had; empty: it was new")
    after = models.JSONField(help_text="column -> value that it has since")

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="party_change_says_by_whom", condition=~Q(by=""))]
        triggers = [append_only("party_changes_stay")]

    def __str__(self) -> str:
        return f"{self.at} {self.by} {self.party_id}"


class CredentialKind(models.TextChoices):
    """Where somebody shows something that could be guessed."""

    PASSWORD = "password", "口令"
    CODE = "code", "验证码"
    TOKEN = "token", "令牌"


class SignInTry(models.Model):
    """A try that failed, or is under way; names are kept as keyed digests, because people type passwords there."""

    door = models.CharField(max_length=10, choices=CredentialKind)
    name = models.CharField(max_length=64)
    place = models.CharField(max_length=80, help_text="the device, else the address")
    address = models.CharField(max_length=45)
    known = models.BooleanField(help_text="this name came in from this place before")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["door", "name", "at"], name="try_by_name"),
            models.Index(fields=["door", "address", "at"], name="try_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.door} {self.place} {self.at}"


class KnownPlace(models.Model):
    """A device or an address from which a person came in: strangers' failures elsewhere do not count here."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="known_places")
    place = models.CharField(max_length=80)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="one_place_a_person", fields=["person", "place"])]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.place}"
