"""What a programme declares of its review by experts: criteria, the size of a panel, and the figures of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import SettingSpec
from huisuan.law.model.values import ValueKind

#: the figures that all reviews of a policy share
_COMMON = {"alternates", "most_reviews", "tie_years", "trimmed", "low_percent", "high_percent", "lowest_score"}


@dataclass(frozen=True)
class CriterionSpec:
    """Something that experts score; `full` is the setting of its full marks, which are its weight too."""

    key: str
    zh: str
    en: str
    full: SettingSpec


@dataclass(frozen=True)
class ReviewSpec:
    """How experts review the applications of a programme. All figures are settings.

    `field` names the fact, a choice, whose words say what an expert must know; empty: any field will do. `blind`: an
    expert reads nothing that names the applicant.
    """

    criteria: tuple[CriterionSpec, ...]
    blind: bool
    field: str
    panel: SettingSpec
    alternates: SettingSpec
    most_reviews: SettingSpec
    tie_years: SettingSpec
    trimmed: SettingSpec
    spread: SettingSpec
    low_percent: SettingSpec
    high_percent: SettingSpec
    lowest_score: SettingSpec

    def figures(self) -> dict[str, SettingSpec]:
        """Its figures by name, in the order in which they are told."""
        return {
            "panel": self.panel, "alternates": self.alternates, "most_reviews": self.most_reviews,
            "tie_years": self.tie_years, "trimmed": self.trimmed, "spread": self.spread,
            "low_percent": self.low_percent, "high_percent": self.high_percent, "lowest_score": self.lowest_score,
        }  # fmt: skip

    def settings(self) -> tuple[SettingSpec, ...]:
        """Every setting that it rests on."""
        return (*self.figures().values(), *(each.full for each in self.criteria))

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it; settings by name."""
        return {
            "criteria": [
                {"key": each.key, "zh": each.zh, "en": each.en, "full": each.full.name} for each in self.criteria
            ],
            "blind": self.blind, "field": self.field,
            "figures": {name: spec.name for name, spec in self.figures().items()},
        }  # fmt: skip


def criterion(key: str, zh: str, en: str, full: object) -> CriterionSpec:
    """A criterion as an article writes it.

    Raises:
        LawError: the full marks are no setting.
    """
    return CriterionSpec(key, zh, en, _count(f"评审指标 {key}", full))


def panel_review(
    *criteria: CriterionSpec,
    panel: object,
    spread: object,
    common: Mapping[str, object],
    blind: bool = False,
    field: str = "",
) -> ReviewSpec:
    """The review of a programme as an article writes it; the figures are settings of the policy.

    `common` are those that all reviews of a policy share, by the names of their fields in `ReviewSpec`.

    Raises:
        LawError: no criterion, one twice, a common figure that is missing or unknown, or one that is no setting.
    """
    keys = [each.key for each in criteria]
    if not keys or len(set(keys)) < len(keys):
        raise LawError("专家评审须有评审指标，不重复", code="law.review_criteria_wrong")
    if set(common) != _COMMON:
        raise LawError(f"专家评审共同的数字须是 {'、'.join(sorted(_COMMON))}", code="law.review_figures_wrong")
    figures = {"panel": panel, "spread": spread, **common}
    return ReviewSpec(tuple(criteria), blind, field, **{key: _count("专家评审", one) for key, one in figures.items()})


def _count(what: str, figure: object) -> SettingSpec:
    spec = figure if isinstance(figure, SettingSpec) else getattr(getattr(figure, "node", None), "spec", None)
    if not isinstance(spec, SettingSpec) or spec.kind is not ValueKind.INT:
        raise LawError(f"{what}的数字须是个数参数（count_setting），不能写死", code="law.setting_expected")
    return spec
