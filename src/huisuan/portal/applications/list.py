"""The list of drafts of claims (申报草稿), each with what the law says to it today."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.law.model import Answer, LawError, Rule
from huisuan.law.policy import Policy, load_policy
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.applications import form as draft_form
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import state_word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.applications import queries
from huisuan.programmes.models import Draft

CLAIMANTS = ("user", "city")


class Readings:
    """The law as a list of drafts needs it, each policy and each draft read once."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy | None] = {}
        self._answers: dict[int, Answer | None] = {}

    def rule(self, draft: Draft) -> Rule | None:
        """The rule of a draft; None where the policy has it no more."""
        policy = self._policy(draft.policy)
        try:
            return policy.claim_rule(draft.rule) if policy else None
        except LawError:
            return None

    def title(self, draft: Draft) -> str:
        """What the draft claims."""
        rule = self.rule(draft)
        title = (rule.title_en if reads_english() else rule.title) if rule else draft.policy
        return f"{draft.rule} {title}"

    def answer(self, draft: Draft) -> Answer | None:
        """What the law says today to what the draft holds."""
        policy, rule = self._policy(draft.policy), self.rule(draft)
        if policy is None or rule is None:
            return None
        if draft.pk not in self._answers:
            on = draft_form.law_day(policy, queries.known(draft.party, policy, rule))
            self._answers[draft.pk] = draft_form.explain_facts(policy, rule, draft.facts, on).answer
        return self._answers[draft.pk]

    def _policy(self, name: str) -> Policy | None:
        if name not in self._policies:
            try:
                self._policies[name] = load_policy(name)
            except LawError:
                self._policies[name] = None
        return self._policies[name]


def draft_columns() -> list[Column]:
    """The columns of a list of drafts."""
    law = Readings()

    def state(draft: Draft) -> state_labels.Word | None:
        told = law.answer(draft)
        return state_word(state_labels.ENTITLEMENT, told.status.value) if told else None

    def amount(draft: Draft) -> int | None:
        told = law.answer(draft)
        return told.amount_fen if told else None

    return [
        Column("rule", _("条款"), law.title, sort="rule", link=lambda draft: reverse("draft", args=[draft.pk])),
        Column("label", _("名称"), "label", sort="label"),
        Column("state", _("按所填作答"), state, Kind.STATE),
        Column("amount", _("试算"), amount, Kind.FEN),
        Column("files", _("佐证"), "files", Kind.INTEGER, sort="files"),
        Column("updated", _("最近保存"), "updated_at", Kind.MOMENT, sort="updated_at", minor=True),
    ]


def draft_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The drafts of the viewer's own party."""
    empty = Empty(
        _("还没有申报草稿。在政策页找到要申报的那一句，点“填写申报表”："), link=reverse("policies"), link_text=_("政策")
    )
    return Table(
        request, queries.drafts(viewer), draft_columns(), file="drafts", order="-updated", empty=empty,
        search=("label", "rule"),
    )  # fmt: skip


@allow(*CLAIMANTS)
def draft_list(request: HttpRequest) -> HttpResponseBase:
    """The drafts that the viewer reads."""
    table = draft_table(request, viewer_of(request))
    return render_tables(request, "portal/applications/drafts.html", {"here": "drafts"}, [table])
