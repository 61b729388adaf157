"""The procedure of a programme as the policy page shows it: numbered sentences and a drawing of the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from huisuan.law.explain import default_day
from huisuan.law.policy import AdoptedSetting, Policy, suggested_names
from huisuan.law.procedure import ProgrammeSpec, draw_programme, programme_sentences
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.sentences.page import mark_chinese


@dataclass(frozen=True)
class ShownProcedure:
    """One programme: its title, its steps in words, and the drawing."""

    key: str
    title: str
    sentences: tuple[SafeString, ...]
    drawing: SafeString
    digest: str


def procedures_of(policy: Policy, sentence: str) -> list[ShownProcedure]:
    """The programmes that carry a sentence out, with the figures that hold today (or held on the policy's last day)."""
    today = timezone.localdate()
    adopted = policy.adopted(default_day(policy, today), today)
    return [_shown(spec, adopted) for spec in policy.programmes if spec.sentence == sentence]


def _shown(spec: ProgrammeSpec, adopted: Mapping[str, AdoptedSetting]) -> ShownProcedure:
    english = reads_english()
    values = {name: setting.value for name, setting in adopted.items()}
    said = programme_sentences(spec, values, suggested=suggested_names(adopted), english=english)
    return ShownProcedure(
        spec.key,
        spec.title_en if english else spec.title,
        tuple(mark_chinese(escape(each)) for each in said),
        mark_safe(draw_programme(spec, english=english)),  # noqa: S308 (the drawing escapes what it writes)
        spec.digest,
    )
