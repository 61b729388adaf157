"""What states, actions and duties of applications are called on a page, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from huisuan.law.procedure import ACTION_WORDS, DUTY_WORDS, STATE_WORDS, Duty, State
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.refusals import refusal_status
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.models import ProcedureEdition, TieKind

__all__ = ["EXPERT_TIES", "action_label", "application_state", "duty_label", "programme_title", "refusal_status"]

_TONES = {
    State.DRAFT: "plain", State.RETURNED: "bad", State.CLOSED: "good", State.REFUSED: "bad", State.WITHDRAWN: "plain",
    State.SUSPENDED: "bad", State.IN_RECOVERY: "bad", State.MONITORED: "good",
}  # fmt: skip


#: what ties an expert to a party
EXPERT_TIES: dict[str, Text] = {
    TieKind.EMPLOYMENT.value: _("任职"), TieKind.SHARES.value: _("持股"), TieKind.KINSHIP.value: _("亲属"),
    TieKind.PROJECT.value: _("合作项目"), TieKind.ADVICE.value: _("顾问咨询"),
}  # fmt: skip


def application_state(state: str, role: str) -> Word:
    """The state as officials call it, or as those call it who apply."""
    words = STATE_WORDS[State(state)]
    if role == "user":
        label = words.applicant_en if reads_english() else words.applicant
    else:
        label = words.official_en if reads_english() else words.official
    return Word(label, _TONES.get(State(state), "wait"))


def action_label(action: str) -> str:
    """What an action is called: on a button, in a history."""
    words = ACTION_WORDS[action]
    return words.en[:1].upper() + words.en[1:] if reads_english() else words.zh


def duty_label(duty: str) -> str:
    """What a duty is called."""
    return DUTY_WORDS[Duty(duty)][1 if reads_english() else 0]


def programme_title(edition: ProcedureEdition) -> str:
    """A programme as lists name it: its sentence's key and its title."""
    content: dict[str, Any] = edition.content
    return f"{edition.key} {content['title_en' if reads_english() else 'title']}"
