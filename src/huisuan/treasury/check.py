"""The proof of the ledger: everything is added up anew from postings, instalments and orders, and compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import connection, transaction

from huisuan.base.money import yuan


@dataclass(frozen=True)
class Finding:
    """What does not agree: the rule by its code, what it is about, and both figures in fen (or counts)."""

    code: str
    about: str
    stands: int
    adds_up_to: int

    def to_dict(self) -> dict[str, str | int]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Proof:
    """What was added up, and what does not agree; none: the books are true."""

    entries: int
    postings: int
    lines: int
    awards: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether all agrees."""
        return not self.findings


# Each answers (about, what stands, what it adds up to) for what differs.
_RULES = {
    "treasury.trial_balance": """
        SELECT coalesce(l.policy || ' ' || l.sentence || ' ' || l.year || ' ' || l.office, '待清算'), sum(a.balance), 0
        FROM treasury_account a LEFT JOIN treasury_appropriationline l ON l.id = a.line_id
        GROUP BY a.line_id, l.policy, l.sentence, l.year, l.office HAVING sum(a.balance) <> 0""",
    "treasury.balance_is_its_postings": """
        SELECT a.kind || ' ' || a.id, a.balance, coalesce(sum(p.amount_fen), 0)
        FROM treasury_account a LEFT JOIN treasury_posting p ON p.account_id = a.id
        GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount_fen), 0)""",
    "treasury.entry_balances": """
        SELECT e.key, count(p.id), coalesce(sum(p.amount_fen), 0)
        FROM treasury_entry e LEFT JOIN treasury_posting p ON p.entry_id = e.id
        GROUP BY e.id HAVING count(p.id) < 2 OR sum(p.amount_fen) <> 0""",
    "treasury.instalments_make_up_the_award": """
        SELECT c.award, c.amount_fen, coalesce(sum(i.amount_fen), 0)
        FROM treasury_commitment c LEFT JOIN treasury_instalment i ON i.commitment_id = c.id
        GROUP BY c.id HAVING c.amount_fen <> coalesce(sum(i.amount_fen), 0)""",
    "treasury.paid_within_the_award": """
        SELECT c.award, c.amount_fen, sum(i.amount_fen)
        FROM treasury_commitment c JOIN treasury_instalment i ON i.commitment_id = c.id
        JOIN treasury_paymentorder o ON o.instalment_id = i.id AND o.outcome = 'paid'
        GROUP BY c.id HAVING sum(i.amount_fen) > c.amount_fen""",
    "treasury.accounts_are_their_instalments": """
        SELECT a.kind || ' ' || l.policy || ' ' || l.sentence || ' ' || l.year || ' ' || l.office, a.balance, s.fen
        FROM treasury_account a JOIN treasury_appropriationline l ON l.id = a.line_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(i.amount_fen), 0) AS fen FROM treasury_instalment i
            LEFT JOIN treasury_paymentorder o ON o.instalment_id = i.id AND o.outcome <> 'failed'
            WHERE i.line_id = l.id AND i.release_id IS NULL AND CASE a.kind
                WHEN 'committed' THEN o.id IS NULL WHEN 'ordered' THEN o.outcome = '' ELSE o.outcome = 'paid' END
        ) s
        WHERE a.kind IN ('committed', 'ordered') AND a.balance <> s.fen""",
    "treasury.paid_and_recovered_are_their_orders": """
        SELECT 'paid ' || l.policy || ' ' || l.sentence || ' ' || l.year || ' ' || l.office, s.stands, s.fen
        FROM treasury_appropriationline l CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(balance), 0) FROM treasury_account
                    WHERE line_id = l.id AND kind IN ('paid', 'recovered')) AS stands,
                   (SELECT coalesce(sum(i.amount_fen), 0) FROM treasury_instalment i
                    JOIN treasury_paymentorder o ON o.instalment_id = i.id AND o.outcome = 'paid'
                    WHERE i.line_id = l.id) AS fen
        ) s WHERE s.stands <> s.fen""",
    "treasury.repayments_make_up_the_debt": """
        SELECT d.key, d.amount_fen, sum(r.amount_fen)
        FROM treasury_debt d JOIN treasury_repayment r ON r.debt_id = d.id
        GROUP BY d.id HAVING d.amount_fen <> sum(r.amount_fen)""",
    "treasury.file_is_its_orders": """
        SELECT 'B' || f.id, f.total_fen, coalesce(sum(i.amount_fen), 0)
        FROM treasury_bankfile f LEFT JOIN treasury_bankfileline b ON b.file_id = f.id
        LEFT JOIN treasury_paymentorder o ON o.id = b.order_id LEFT JOIN treasury_instalment i ON i.id = o.instalment_id
        GROUP BY f.id HAVING f.total_fen <> coalesce(sum(i.amount_fen), 0) OR f.orders <> count(b.id)""",
}
_COUNTS = """SELECT (SELECT count(*) FROM treasury_entry), (SELECT count(*) FROM treasury_posting),
    (SELECT count(*) FROM treasury_appropriationline), (SELECT count(*) FROM treasury_commitment)"""


def prove() -> Proof:
    """Add everything up anew, of one moment (within a transaction: of its own)."""
    findings, own = [], not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if own:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(_COUNTS)
        entries, postings, lines, awards = cursor.fetchone()
        for code, rule in _RULES.items():
            cursor.execute(rule)
            findings += [Finding(code, str(about), int(stands), int(fen)) for about, stands, fen in cursor.fetchall()]
    return Proof(entries, postings, lines, awards, tuple(findings))


def sentence_of(finding: Finding) -> str:
    """A finding for people, in Chinese."""
    return f"{finding.about}：记的是 {yuan(finding.stands)}，加起来是 {yuan(finding.adds_up_to)}（{finding.code}）"
