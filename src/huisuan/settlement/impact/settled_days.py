"""Into which settled days a proposal reaches, and whose result changes there by how much: said before anyone adopts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from huisuan.base.errors import Refused
from huisuan.base.money import yuan
from huisuan.law.policy import AdoptedSetting, Policy, names_deciding
from huisuan.settlement.adoption.proposed_settings import draft_of_proposal, get_policy
from huisuan.settlement.adoption.queries import comparison_lines, line_to_dict
from huisuan.settlement.impact.compare import compare_year
from huisuan.settlement.models import Comparison, SettingsProposal, SettlementRun
from huisuan.settlement.runs.queries import latest_runs

_NAMED = 5  # parties named in a warning; the comparison has all


@dataclass(frozen=True)
class SettledReach:
    """The days of a settled year, first to last, for which a proposal says otherwise."""

    run: SettlementRun
    first: date
    last: date


@dataclass(frozen=True)
class ForeseenYear:
    """What a proposal changes in a settled year; `refused` says why that could not be computed."""

    reach: SettledReach
    comparison: Comparison | None
    refused: str = ""

    @property
    def text(self) -> str:
        """One sentence for whoever proposes or adopts (amounts in yuan)."""
        reach = self.reach
        days = f"及于已结算的 {reach.run.year} 年（第 {reach.run.pk} 批次，{reach.first} 至 {reach.last}）"
        if self.comparison is None:
            return f"{days}；变化算不出来：{self.refused}"
        made = self.comparison
        changed = sorted(
            (line for line in comparison_lines(made) if line.difference_fen), key=lambda line: -abs(line.difference_fen)
        )
        if not changed:
            return f"{days}；谁的{made.get_amount_display()}都没有变化"
        named = "、".join(f"{line.party.name} {_signed(line.difference_fen)}" for line in changed[:_NAMED])
        more = f" 等 {len(changed)} 家" if len(changed) > _NAMED else ""
        sums = f"{yuan(made.before_fen)} → {yuan(made.after_fen)} 元"
        return f"{days}；{made.get_amount_display()}合计 {sums}：{named}{more}（元）"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` carries it (amounts in fen)."""
        made = self.comparison
        lines = [line_to_dict(line) for line in comparison_lines(made)] if made else []
        return {
            "year": self.reach.run.year, "run": self.reach.run.pk, "first": self.reach.first, "last": self.reach.last,
            "comparison": made.pk if made else None, "difference_fen": made.difference_fen if made else None,
            "changed": [line for line in lines if line["difference_fen"]], "refused": self.refused,
        }  # fmt: skip


def settled_reach(proposal: SettingsProposal) -> list[SettledReach]:
    """The settled years into whose days the values of a proposal reach, the newest first.

    Raises:
        Conflict: the policy no longer knows what it sets.
    """
    policy = get_policy(proposal.policy)
    last = proposal.valid_to or policy.valid_to
    touched = {rule.key for rule in policy.rules if names_deciding(policy, rule) & set(proposal.names)}
    found = []
    for run in latest_runs().filter(policy=proposal.policy, sentence__in=touched).order_by("-year", "sentence"):
        reach = SettledReach(run, max(run.starts, proposal.valid_from), min(run.ends, last))
        if reach.first <= reach.last:
            found.append(reach)
    return found


def foresee(proposal: SettingsProposal, by: str, now: datetime) -> list[ForeseenYear]:
    """What a proposal would change in every settled year that it reaches into; each comparison is kept."""
    found = []
    for reach in settled_reach(proposal):
        try:
            found.append(ForeseenYear(reach, compare_year(proposal, reach.run.year, by, now)))
        except Refused as refusal:
            found.append(ForeseenYear(reach, None, str(refusal)))
    return found


def overruled(proposal: SettingsProposal) -> list[AdoptedSetting]:
    """Earlier decisions that begin within the days of a proposal and over which it prevails: perhaps not meant."""
    policy: Policy = get_policy(proposal.policy)
    draft = draft_of_proposal(policy, proposal)
    last = draft.valid_to or date.max
    return [
        adopted
        for adopted in policy.settings.adopted
        if adopted.name in draft.names and draft.valid_from < adopted.valid_from <= last
    ]


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else '-'}{yuan(abs(fen))}"
