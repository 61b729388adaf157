"""Budget lines, their accounts, and the entries that move money between them."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only

LARGEST_AMOUNT = 10**15  # ten trillion yuan: a slip of the pen, and far from the edge of a bigint


class AccountKind(models.TextChoices):
    """Where the money of a line stands. The accounts of one line always add up to zero."""

    APPROPRIATED = "appropriated", "预算"
    AVAILABLE = "available", "可用"
    COMMITTED = "committed", "已承诺"
    ORDERED = "ordered", "已开支付令"
    PAID = "paid", "已拨付"
    LAPSED = "lapsed", "已收回预算"
    CLAIMED_BACK = "claimed_back", "应追回"
    RECEIVABLE = "receivable", "应收"
    RECOVERED = "recovered", "已追回"
    CLEARING = "clearing", "待清算"
    UNMATCHED = "unmatched", "银行未达"


#: these mirror what stands in the others and have no floor; every other account has zero
_MIRRORS = (AccountKind.APPROPRIATED, AccountKind.CLAIMED_BACK, AccountKind.UNMATCHED)


class EntryKind(models.TextChoices):
    """What moved the money."""

    APPROPRIATION = "appropriation", "下达预算"
    COMMITMENT = "commitment", "承诺"
    RELEASE = "release", "解除承诺"
    ORDER = "order", "开支付令"
    PAYMENT = "payment", "支付成功"
    FAILURE = "failure", "支付失败"
    CLEARING = "clearing", "待清算"
    CLAIM_BACK = "claim_back", "追回通知"
    RECEIPT = "receipt", "收到追回款"
    CARRY_OVER = "carry_over", "结转"
    LAPSE = "lapse", "收回预算"
    REVERSAL = "reversal", "冲销"


class AppropriationLine(models.Model):
    """An appropriation by policy, sentence, year and office: the keys that the policy's own folder gives them."""

    policy = models.CharField(max_length=60)
    sentence = models.CharField(max_length=8)
    year = models.IntegerField()
    office = models.CharField(max_length=40)
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-year", "policy", "sentence", "office"]
        constraints = [
            models.UniqueConstraint(name="line_once", fields=["policy", "sentence", "year", "office"]),
            models.CheckConstraint(
                name="line_is_named", condition=~Q(policy="") & ~Q(sentence="") & ~Q(office="") & ~Q(opened_by="")
            ),
        ]
        triggers = [append_only("lines_stay")]

    def __str__(self) -> str:
        return f"{self.policy} {self.sentence} {self.year} {self.office}"


class Account(models.Model):
    """Where money stands: of a line, of one debt (`RECEIVABLE`), or of the treasury as a whole (no line).

    `balance` is the sum of its postings, in fen, and moves with them alone; it never lies below `floor`.
    """

    kind = models.CharField(max_length=12, choices=AccountKind)
    line = models.ForeignKey(AppropriationLine, on_delete=models.PROTECT, null=True, related_name="accounts")
    debt = models.CharField(max_length=80, blank=True, help_text="the key of the debt, of a receivable only")
    floor = models.BigIntegerField(null=True, default=0, help_text="fen; none: a mirror of the other accounts")
    balance = models.BigIntegerField(default=0, help_text="fen")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="account_once", fields=["kind", "line", "debt"], nulls_distinct=False),
            models.CheckConstraint(name="account_kind_is_known", condition=Q(kind__in=AccountKind.values)),
            models.CheckConstraint(
                name="account_floor_by_its_kind",
                condition=Q(kind__in=_MIRRORS, floor__isnull=True) | (~Q(kind__in=_MIRRORS) & Q(floor=0)),
            ),
            models.CheckConstraint(
                name="account_not_overdrawn", condition=Q(floor__isnull=True) | Q(balance__gte=F("floor"))
            ),
            models.CheckConstraint(
                name="account_of_a_debt_names_it",
                condition=(Q(kind=AccountKind.RECEIVABLE) & ~Q(debt=""))
                | (~Q(kind=AccountKind.RECEIVABLE) & Q(debt="")),
            ),
            models.CheckConstraint(
                name="account_of_a_line_or_of_all",
                condition=Q(kind__in=[AccountKind.CLEARING, AccountKind.UNMATCHED], line__isnull=True)
                | (~Q(kind__in=[AccountKind.CLEARING, AccountKind.UNMATCHED]) & Q(line__isnull=False)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="accounts_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="accounts_keep_what_they_are",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("kind", "line", "debt", "floor"),
            ),
            pgtrigger.Trigger(
                name="balance_moves_with_postings",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF TG_OP = 'INSERT' AND NEW.balance <> 0
                        OR TG_OP = 'UPDATE' AND NEW.balance <> OLD.balance AND pg_trigger_depth() < 2 THEN
                        RAISE EXCEPTION 'a balance moves with postings alone' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.line_id or ''}{self.debt}"


class Entry(models.Model):
    """One movement of money. `key` makes it one, however often it is asked for; `reverses` is the one it takes back."""

    kind = models.CharField(max_length=14, choices=EntryKind)
    key = models.CharField(max_length=120, unique=True)
    day = models.DateField(help_text="the day that it counts for, Asia/Shanghai")
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")
    reason = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="entry_kind_is_known", condition=Q(kind__in=EntryKind.values)),
            models.CheckConstraint(name="entry_has_a_key_and_an_author", condition=~Q(key="") & ~Q(by="")),
            models.CheckConstraint(
                name="only_a_reversal_reverses",
                condition=Q(kind=EntryKind.REVERSAL, reverses__isnull=False)
                | (~Q(kind=EntryKind.REVERSAL) & Q(reverses__isnull=True)),
            ),
        ]
        triggers = [append_only("entries_stay")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


# By statement, not by row: on a busy line a row trigger updates one account once a posting, and each update leaves a
# dead row that the next one has to step over (20,000 commitments: 64 s by row). NO KEY UPDATE, as a foreign key of
# another writer's postings holds KEY SHARE on the same accounts; in order of ids, so that two never wait for each
# other. EXECUTE, as a plan that a session made while the tables were small is kept, and is quadratic on large ones.
_POST = """
    IF EXISTS (SELECT 1 FROM new_postings GROUP BY entry_id HAVING sum(amount_fen) <> 0) THEN
        RAISE EXCEPTION 'the postings of an entry add up to zero' USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE $sql$
        SELECT (SELECT count(*) FROM new_postings) <> (
            SELECT count(*) FROM treasury_posting WHERE entry_id IN (SELECT entry_id FROM new_postings))
    $sql$ INTO broken;
    IF broken THEN
        RAISE EXCEPTION 'an entry is posted once, whole' USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE $sql$
        SELECT EXISTS (
            SELECT 1 FROM treasury_entry e
            WHERE e.reverses_id IS NOT NULL AND e.id IN (SELECT entry_id FROM new_postings) AND (
                SELECT array_agg((n.account_id, n.amount_fen) ORDER BY n.account_id)
                FROM new_postings n WHERE n.entry_id = e.id
            ) IS DISTINCT FROM (
                SELECT array_agg((p.account_id, -p.amount_fen) ORDER BY p.account_id)
                FROM treasury_posting p WHERE p.entry_id = e.reverses_id
            ))
    $sql$ INTO broken;
    IF broken THEN
        RAISE EXCEPTION 'a reversal takes back what it reverses, to the fen' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM treasury_account WHERE id IN (SELECT account_id FROM new_postings) ORDER BY id FOR NO KEY UPDATE;
    UPDATE treasury_account a SET balance = a.balance + m.moved
    FROM (SELECT account_id, sum(amount_fen) AS moved FROM new_postings GROUP BY account_id) m
    WHERE a.id = m.account_id AND m.moved <> 0;
    RETURN NULL;
"""


class Posting(models.Model):
    """What an entry brings to an account, or takes from it (negative), in fen."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings")
    amount_fen = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="posting_once", fields=["entry", "account"]),
            models.CheckConstraint(
                name="posting_moves_something",
                condition=~Q(amount_fen=0) & Q(amount_fen__gte=-LARGEST_AMOUNT, amount_fen__lte=LARGEST_AMOUNT),
            ),
        ]
        triggers = [
            append_only("postings_stay"),
            pgtrigger.Trigger(
                name="postings_balance",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_postings"),  # type: ignore[no-untyped-call]
                declare=[("broken", "boolean")],
                func=_POST,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} {self.account_id} {self.amount_fen}"
