"""One answer each: what is asked of an application, whether it holds, why, and what it was seen by."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Count, Q

from huisuan.base.money import yuan
from huisuan.parties.affiliation import find_control
from huisuan.programmes.checks.law_answer import check_law, check_stacking
from huisuan.programmes.checks.subject import CheckFinding, CheckSubject
from huisuan.programmes.claim_objects.alike import held_elsewhere
from huisuan.programmes.claim_objects.codes import asked_objects, normalise_code, object_words
from huisuan.programmes.claim_objects.waiting import shared_beyond, waiting_objects
from huisuan.programmes.credit.register import credit_on, is_barring
from huisuan.programmes.flags.found_between import rivals
from huisuan.programmes.models import Application, CheckKind, ClaimObject, CreditEffect, FinalEvaluation
from huisuan.programmes.submissions.beside import seen_beside
from huisuan.treasury.city_payments import city_payments_known
from huisuan.treasury.models import Debt
from huisuan.treasury.recoveries import open_debts


def check_claim_objects(subject: CheckSubject) -> CheckFinding:
    """As many objects as the facts say, all still held, vouchers on the register; what else claims for them is told."""
    application = subject.application
    held = list(application.claim_objects.filter(living=True))
    waiting = list(waiting_objects([application]))
    wrong = [*_miscounted(subject, [*held, *waiting]), *_unregistered(subject, held)]
    if waiting:
        named = "、".join(object_words(one.kind, one.code) for one in waiting)
        wrong.append(f"{named} 由另一单位在先的申报写明（见疑点）")
    if beyond := shared_beyond(application):
        wrong.append(f"{'、'.join(beyond)} 各件申报的份额合计超过 100%（见疑点）")
    elsewhere = [
        f"{object_words(one.kind, one.code)}（{one.application.number}，{one.policy} {one.ground}）"
        for _, one in held_elsewhere([application])
    ]
    saw = {
        "objects": [{"kind": one.kind, "code": one.code, "ground": one.ground} for one in held], "elsewhere": elsewhere,
    }  # fmt: skip
    elsewhere_text = f"；另由其他事由或政策的申报写明：{'、'.join(elsewhere)}（见疑点）" if elsewhere else ""
    said = "；".join(wrong) or (f"{len(held)} 个申报对象，同一事由下没有别的申报" if held else "没有申报对象")
    return CheckFinding(CheckKind.OBJECTS, not wrong, said + elsewhere_text, saw)


def _miscounted(subject: CheckSubject, held: Iterable[ClaimObject]) -> Iterable[str]:
    if subject.submission is None:
        return
    facts = subject.submission.facts
    for spec in asked_objects(subject.application.edition.content):
        written = [facts.get(name, "") for name in spec.counts]
        counts = [int(text) for text in written if text.strip().isdecimal()]
        found = sum(1 for one in held if one.kind == spec.kind)
        if spec.counts and sum(counts) != found:
            yield f"填报 {sum(counts)} 个，写明编号的{object_words(spec.kind, '').strip()} {found} 个"


def _unregistered(subject: CheckSubject, held: Iterable[ClaimObject]) -> Iterable[str]:
    vouchers = [one.code for one in held if one.kind == "voucher"]
    if not vouchers or subject.application.city_id is None:
        return
    known = city_payments_known(subject.day).filter(city=subject.application.city_id)
    registered = {normalise_code(payment.voucher) for payment in known if getattr(payment, "left_fen", 0)}
    if missing := [code for code in vouchers if code not in registered]:
        yield f"市级拨付登记中没有凭证 {'、'.join(missing)}，或已冲销"


def check_relations(subject: CheckSubject) -> CheckFinding:
    """Whether the applicant and another applicant of the call belong together, by the register of that day.

    No text bars it: it is found, and answered.
    """
    application, day = subject.application, subject.day
    if application.party is None or application.call_id is None:
        return CheckFinding(CheckKind.RELATIONS, True, "没有同一通知下的其他申报单位", {"day": day.isoformat()})
    own = application.party.uscc
    rest = rivals(application).filter(party__isnull=False)
    related = subject.holdings.may_belong_to(own)
    others = {other.party.uscc: other for other in rest.filter(party__uscc__in=related) if other.party}
    found = find_control(subject.holdings.relations, [(own, uscc) for uscc in others]) if others else {}
    count = rest.aggregate(number=Count("party", distinct=True))["number"]
    saw = {
        "day": day.isoformat(), "others": count,
        "paths": [
            {"other": others[uscc].number, "party": uscc, "controlled_by": who} for (_, uscc), who in found.items()
        ],
    }  # fmt: skip
    if not count:
        return CheckFinding(CheckKind.RELATIONS, True, "没有同一通知下的其他申报单位", saw)
    if not found:
        return CheckFinding(CheckKind.RELATIONS, True, f"与同一通知的 {count} 家没有控制关系", saw)
    said = "、".join(f"{others[uscc].number}（{uscc}，同受 {who} 控制）" for (_, uscc), who in found.items())
    return CheckFinding(CheckKind.RELATIONS, None, f"与同一通知的申报单位有控制关系：{said}", saw)


def check_credit(subject: CheckSubject) -> CheckFinding:
    """Whether an entry of the credit list bars the applicant on that day by the law that it names; others are found."""
    party, day = subject.application.party_id, subject.day
    entries = credit_on([party], day) if party else []
    saw = {
        "day": day.isoformat(),
        "entries": [
            {
                "source": entry.source, "effect": entry.effect, "reason": entry.reason,
                "basis": entry.basis,
                "valid_from": entry.valid_from.isoformat(),
                "valid_to": entry.valid_to.isoformat() if entry.valid_to else None,
            }
            for entry in entries
        ],
    }  # fmt: skip
    said = "；".join(
        f"{entry.source}：{entry.reason}（{CreditEffect(entry.effect).label}，自 {entry.valid_from}，"
        f"{f'依据 {entry.basis}' if entry.basis else '未写依据'}）"
        for entry in entries
    )
    barred = any(is_barring(entry) for entry in entries)
    passed = False if barred else None if entries else True
    return CheckFinding(CheckKind.CREDIT, passed, said or "信用名单中没有", saw)


def check_debts(subject: CheckSubject) -> CheckFinding:
    """Whether the applicant owes the treasury something that is to come back; no text bars it, so it is answered."""
    debts = standing_debts([subject.application])
    saw = {
        "day": subject.day.isoformat(),
        "debts": [{"key": debt.key, "open_fen": debt.account.balance, "reason": debt.reason} for debt in debts],
    }
    said = "、".join(f"{debt.key} 尚欠 {yuan(debt.account.balance)} 元" for debt in debts)
    return CheckFinding(
        CheckKind.DEBTS, None if debts else True, f"有未还款项：{said}" if debts else "没有未还款项", saw
    )


def standing_debts(applications: Iterable[Application]) -> list[Debt]:
    """What the applicants of some applications still owe."""
    asked = list(applications)
    parties = [one.party_id for one in asked if one.party_id]
    cities = [one.city_id for one in asked if one.city_id]
    return list(open_debts().filter(Q(party__in=parties) | Q(city__in=cities)).order_by("pk"))


def check_performance(subject: CheckSubject) -> CheckFinding:
    """Whether a project of the applicant was evaluated below the mark; no text bars it, so it is answered."""
    party = subject.application.party_id
    rows = FinalEvaluation.objects.filter(application__party=party, at__date__lte=subject.day).order_by("-pk")
    found = list(rows.select_related("application")) if party else []
    low = [row for row in found if row.score < row.mark * 100]
    saw = {
        "day": subject.day.isoformat(),
        "evaluations": [
            {"number": row.application.number, "score": row.score, "mark": row.mark, "reason": row.reason}
            for row in found
        ],
    }  # fmt: skip
    said = "、".join(f"{row.application.number} 得 {row.score / 100:g} 分（合格 {row.mark} 分）" for row in low)
    if low:
        return CheckFinding(CheckKind.PERFORMANCE, None, f"以前的项目评价不合格：{said}", saw)
    return CheckFinding(CheckKind.PERFORMANCE, True, f"评价过 {len(found)} 个项目，没有不合格的", saw)


def check_beside(subject: CheckSubject) -> CheckFinding:
    """What is stated agrees with what the platform sees of it; else it is found, and an official answers it."""
    rows = seen_beside(subject.application, subject.day)
    saw = {
        "day": subject.day.isoformat(),
        "facts": [{"fact": row.name, "stated": row.stated, "seen": row.seen, "agrees": row.agrees} for row in rows],
    }
    said = "；".join(row.text for row in rows)
    agrees = all(row.agrees for row in rows)
    return CheckFinding(CheckKind.BESIDE, True if agrees else None, said or "没有平台可以对照的填报", saw)


#: all that is asked, in this order
APPLICATION_CHECKS: tuple[Callable[[CheckSubject], CheckFinding], ...] = (
    check_law, check_stacking, check_claim_objects, check_relations, check_credit, check_debts,
    check_performance, check_beside,
)  # fmt: skip
