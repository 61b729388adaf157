"""Which programme carries out each sentence of a policy, or the declared reason why none does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from huisuan.law.model.handling import Declaration, Modification, Procedure, SentenceHandling
from huisuan.law.policy.policy import Policy
from huisuan.law.procedure import offices_named


@dataclass(frozen=True)
class SentenceProgrammes:
    """A sentence with the keys of its programmes and how each starts, or the reason why it has none.

    `offices` are those that the text names for the sentence. Neither programme nor reason: the sentence is open.
    """

    sentence: str
    programmes: tuple[str, ...]
    starts: tuple[str, ...]
    offices: tuple[str, ...]
    reason: str
    reason_en: str

    @property
    def covered(self) -> bool:
        """Whether it has a programme or a reason."""
        return bool(self.programmes or self.reason)

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self) | {"covered": self.covered}


def programme_coverage(policy: Policy) -> tuple[SentenceProgrammes, ...]:
    """Every sentence in the order of the text. A policy that is only prepared has nothing to carry out yet."""
    return tuple(_sentence(policy, sentence) for sentence in policy.text.sentences)


def _sentence(policy: Policy, sentence: str) -> SentenceProgrammes:
    found = [programme for programme in policy.programmes if programme.sentence == sentence]
    reason = ("", "") if found else _reason(policy, sentence)
    return SentenceProgrammes(
        sentence, tuple(programme.key for programme in found), tuple(programme.start.value for programme in found),
        offices_named(policy.text, sentence), *reason,
    )  # fmt: skip


def _reason(policy: Policy, sentence: str) -> tuple[str, str]:
    if policy.prepared:
        return "印发文本未得，尚不办理", "The issued text is not at hand: nothing is carried out yet"
    claimable = {rule.sentence for rule in policy.rules} | {allotment.sentence for allotment in policy.allotments}
    if sentence in claimable:
        return "", ""  # somebody may claim under it: only a programme will do
    handled = next((handling for handling in policy.handlings if handling.sentence == sentence), None)
    return ("", "") if handled is None else _of_handling(handled)


def _of_handling(handled: SentenceHandling) -> tuple[str, str]:
    match handled:
        case Declaration():
            return handled.reason, handled.reason_en
        case Procedure():
            return f"单位自行办理，无人申报：{handled.what}", f"Done by offices, nobody applies: {handled.what_en}"
        case Modification():
            return f"随其他句的程序办理：{handled.what}", f"Goes with the programmes of others: {handled.what_en}"
    return "只规定施行与有效期，没有要办的事", "Says how long the policy holds: nothing to carry out"
