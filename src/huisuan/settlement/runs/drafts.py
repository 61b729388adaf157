"""A rule on its way to a run: what it reads of law, registers and seals, its bills and its answers. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from huisuan.compute.fact_sources.rules import ReachSpan, reach_spans
from huisuan.compute.metering.exports.usage_parquet import SealedFile, sealed_usage
from huisuan.compute.metering.seals.queries import seal_reference
from huisuan.law.model import to_json
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.billing import Billing
from huisuan.settlement.runs.entitle import AskedRule, make_answers
from huisuan.settlement.runs.inputs import RegisterSnapshot, UsageReader, load_registers, start_of_day
from huisuan.settlement.runs.rules import SettledRule
from huisuan.settlement.runs.stacking import AnsweredRule, make_payable, stacking_mode


@dataclass
class YearReadings:
    """What was read of the registers and of seals, once for all rules of the same days."""

    known: date
    cursors: dict[str, int]
    found: dict[tuple[date, date], tuple[RegisterSnapshot, list[SealedFile]]] = field(default_factory=dict)

    def of(self, starts: date, ends: date) -> tuple[RegisterSnapshot, list[SealedFile]]:
        if (starts, ends) not in self.found:
            sealed = sealed_usage(self.cursors, start_of_day(starts), start_of_day(ends))
            self.found[starts, ends] = load_registers(starts, ends, self.cursors, self.known), sealed
        return self.found[starts, ends]


@dataclass
class RuleDraft:
    """A rule on its way to a run; `stands`: the newest run, where it rests on the same law, registers and seals."""

    settled: SettledRule
    asked: AskedRule
    registers: RegisterSnapshot
    sealed: list[SealedFile]
    law: dict[str, Any]
    digest: str
    stands: SettlementRun | None

    @property
    def reach(self) -> Sequence[ReachSpan]:
        """How far self-built-self-use reaches, part by part."""
        return reach_spans(
            self.settled.place, self.settled.starts, self.settled.ends, self.asked.as_known, self.asked.parts
        )

    @classmethod
    def of(cls, settled: SettledRule, year: int, readings: YearReadings) -> RuleDraft:
        place = settled.place
        asked = AskedRule.over(place, settled.starts, settled.on, readings.known)
        registers, sealed = readings.of(settled.starts, settled.ends)
        law, digest = _law_used(asked, settled), registers.digest()
        found = SettlementRun.objects.filter(policy=place.policy.name, sentence=place.rule.key, year=year)
        newest = found.order_by("-pk").first()
        # a month that was sealed since makes a new run, which rests on the seal, though it comes to the same
        inputs = (asked.on, law, digest, [seal_reference(file.seal) for file in sealed])
        same = newest and (newest.on, newest.law, newest.inputs_sha256, newest.seals) == inputs
        return cls(settled, asked, registers, sealed, law, digest, newest if same else None)


def bill_drafts(drafts: Sequence[RuleDraft], usage: UsageReader) -> list[Billing]:
    """The bills of each, in their order; usage is read once."""
    return [usage.bill(draft.registers, draft.reach, draft.sealed, draft.asked.parts) for draft in drafts]


def answer_drafts(drafts: Sequence[RuleDraft], billings: Sequence[Billing]) -> dict[str, AnsweredRule]:
    """What each is owed and, beside those that pay before it, what is payable; by the rule's key, in their order."""
    answered: dict[str, AnsweredRule] = {}
    for draft, billing in zip(drafts, billings, strict=True):
        make_answers(billing, draft.asked, draft.registers.parties, draft.registers.regions, draft.registers.heirs)
        rule = AnsweredRule(draft.settled, draft.asked, billing)
        make_payable(rule, [answered[key] for key in draft.settled.earlier])
        answered[draft.settled.place.key] = rule
    return answered


def _law_used(asked: AskedRule, settled: SettledRule) -> dict[str, Any]:
    """The digest, settings and options of the year's last day; where it is cut, those of each part as well."""
    used = {"digest": asked.place.policy.digest_as_known(asked.as_known), **_values_on(asked, asked.on)}
    if asked.parts:
        used["parts"] = [{"from": str(first), **_values_on(asked, first)} for first in asked.parts]
    if settled.earlier:
        mode = stacking_mode(settled, asked)
        used["after"] = {"rules": list(settled.earlier), "by": mode.value if mode else None}
    return used


def _values_on(asked: AskedRule, on: date) -> dict[str, Any]:
    rule, adopted = asked.place.rule, asked.place.policy.adopted(on, asked.as_known)
    return {
        "settings": {spec.name: to_json(adopted[spec.name].value) for spec in rule.settings() if spec.name in adopted},
        "interpretations": {
            spec.name: adopted[spec.name].value for spec in rule.interpretations() if spec.name in adopted
        },
    }
