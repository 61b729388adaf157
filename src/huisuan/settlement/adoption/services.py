"""Proposing settings, adopting them (another person does), withdrawing them; each one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.model import LawError
from huisuan.law.policy import setting_declarations, with_adopted
from huisuan.messages.notify import notify
from huisuan.messages.recipients import working_group
from huisuan.settlement.adoption.lock import lock_settlement
from huisuan.settlement.adoption.proposed_settings import (
    SettingsDraft,
    check_draft,
    draft_of_proposal,
    file_name,
    format_settings_file,
    get_policy,
    repeals_to_toml,
    to_adopted,
    why_not_carried_out,
    with_title,
)
from huisuan.settlement.adoption.settings_files import write_adopted
from huisuan.settlement.models import End, ProposalEnd, SettingsProposal, SettlementRun, Through


@dataclass(frozen=True)
class ProposalActor:
    """Who acts, by name, and by which door."""

    name: str
    through: Through


def propose_settings(policy_name: str, draft: SettingsDraft, by: ProposalActor, now: datetime) -> SettingsProposal:
    """Record a proposal.

    Raises:
        InvalidRequest: names everything that is wrong with it.
    """
    policy = get_policy(policy_name)
    draft = with_title(policy, draft)
    if wrong := check_draft(policy, draft):
        raise InvalidRequest("；".join(wrong.values()), code="proposal.invalid")
    with transaction.atomic():
        proposal = SettingsProposal.objects.create(
            policy=policy.name,
            title=draft.title,
            authority=draft.authority,
            document=draft.document,
            valid_from=draft.valid_from,
            valid_to=draft.valid_to,
            values=repeals_to_toml(draft.repeals) + setting_declarations(policy).to_toml(draft.values),
            names=sorted(draft.names),
            proposed_by=by.name,
            proposed_through=by.through,
            proposed_at=now,
        )
        _tell("proposal_made", proposal, by, now)
    return proposal


def adopt_proposal(number: int, by: ProposalActor, now: datetime) -> ProposalEnd:
    """Adopt a proposal: its values hold from its own day, and are known from this day on.

    Where a settlement has read the law as known on this day, they are known from the next: what was computed stands.

    Raises:
        NotFound: no such proposal.
        NotAllowed: who proposed it adopts it.
        Conflict: it has ended; the law has changed under it; another decision known from the same day sets the same
            for a day in common (it says which).
        Unavailable: the file cannot be written (the record stands).
    """
    with transaction.atomic():
        proposal = _open(number)
        if proposal.proposed_by.lower() == by.name.lower():
            raise NotAllowed(f"提案 {number} 由 {by.name} 提出，须由另一人采用", code="proposal.own_adoption")
        write_adopted()  # what others adopted a moment ago counts too
        policy = get_policy(proposal.policy)
        draft = draft_of_proposal(policy, proposal)
        known_from = day_known(policy.name, now.astimezone(SHANGHAI).date())
        file = file_name(proposal.pk, draft)
        try:
            with_adopted(policy, to_adopted(draft, known_from, file))
        except LawError as error:
            raise Conflict(f"提案 {number} 采用不了：{error}", code="proposal.not_adoptable") from None
        if why := why_not_carried_out(policy, draft.values):  # proposed when the procedure was another
            raise Conflict(f"提案 {number} 采用不了：{why}", code="proposal.not_carried_out")
        note = f"提案 {proposal.pk}：{proposal.proposed_by} 提出，{by.name} 采用"
        end = ProposalEnd.objects.create(
            proposal=proposal, end=End.ADOPTED, by=by.name, through=by.through, at=now, known_from=known_from,
            file=file, text=format_settings_file(draft, proposal.values, known_from, note),
        )  # fmt: skip
        _tell("proposal_adopted", proposal, by, now)
        transaction.on_commit(write_adopted)
    return end


def withdraw_proposal(number: int, by: ProposalActor, now: datetime) -> ProposalEnd:
    """Withdraw a proposal that has not been adopted.

    Raises:
        NotFound: no such proposal.
        Conflict: it has ended.
    """
    with transaction.atomic():
        proposal = _open(number)
        return ProposalEnd.objects.create(proposal=proposal, end=End.WITHDRAWN, by=by.name, through=by.through, at=now)


def _tell(code: str, proposal: SettingsProposal, by: ProposalActor, now: datetime) -> None:
    """Tell the working group, but for the one who does it."""
    values: dict[str, str | int] = {"number": proposal.pk, "title": proposal.title, "by": by.name}
    notify(
        code, values, to=[working_group()], key=f"proposal:{proposal.pk}:{code}", now=now,
        link=f"/proposals/{proposal.pk}", besides=by.name,
    )  # fmt: skip


def day_known(policy: str, today: date) -> date:
    """The day on which what is adopted today is known: the next, where a settlement has read the law as of today."""
    read_today = SettlementRun.objects.filter(policy=policy, as_known__gte=today).exists()
    return today + timedelta(days=1) if read_today else today


def _open(number: int) -> SettingsProposal:
    """The proposal, of which nobody else can make an end meanwhile.

    Raises:
        NotFound: no such proposal.
        Conflict: it has ended.
    """
    lock_settlement()
    proposal = SettingsProposal.objects.select_related("end").filter(pk=number).first()
    if proposal is None:
        raise NotFound(f"没有提案 {number}；见 huisuan settings list", code="proposal.unknown")
    end = getattr(proposal, "end", None)
    if end is not None:
        raise Conflict(
            f"提案 {number} {End(end.end).label}（{end.by}，{end.at.astimezone(SHANGHAI):%Y-%m-%d}）",
            code="proposal.ended",
        )
    return proposal
