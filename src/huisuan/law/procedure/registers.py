"""What an article declares of a register: what is on it, under which code, who keeps it, what the public may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, SettingSpec
from huisuan.law.model.values import ValueKind
from huisuan.law.procedure.register_links import (
    RegisterAnswer,
    RegisterCentre,
    RegisterDraw,
    RegisterFeed,
    RegisterJury,
    RegisterLook,
    RegisterMark,
    RegisterMatching,
    RegisterMembers,
)

#: what every entry has; a declared field is called otherwise
COMMON_COLUMNS: Mapping[str, str] = {
    "code": "编号", "name": "名称", "holder": "持有单位", "region": "市", "from": "自", "until": "至",
}  # fmt: skip


class FieldKind(StrEnum):
    """How a field of a register is written."""

    TEXT = "text"
    DAY = "day"
    COUNT = "count"
    YUAN = "yuan"
    CHOICE = "choice"


@dataclass(frozen=True)
class RegisterField:
    """A field: what its column is called, and its options (key -> Chinese, English) where it is a choice.

    Counts are whole numbers not below zero; amounts are kept in fen. What is not `public` only officials see. A text
    that `refers` is the code of an entry of that register; with `standing` it is on it on the first day of this one.
    """

    key: str
    title: str
    title_en: str
    kind: FieldKind = FieldKind.TEXT
    unit: str = ""
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    required: bool = True
    public: bool = True
    refers: str = ""
    standing: bool = False


@dataclass(frozen=True)
class RegisterTotal:
    """The amounts (`field`) of all entries that say the same in `per` come to at most `most`, a figure of the text."""

    field: str
    per: str
    most: object

    @property
    def most_fen(self) -> int:
        """The figure, in fen.

        Raises:
            LawError: it is no figure of the text.
        """
        node = getattr(self.most, "node", None)
        while isinstance(node, nodes.Cited):
            node = node.node
        if not isinstance(node, nodes.Const) or not isinstance(node.value, int):
            raise LawError(
                f"名录合计 {self.field} 的上限须是条文中的金额（legal_money）", code="law.register_total_wrong"
            )
        return node.value


@dataclass(frozen=True)
class RegisterSpec:
    """A register that a sentence needs: parks, products, scenarios, standards. `office` keeps it.

    `name_is` says what an entry's name is of ("园区名称"), `holder_is` who holds it (no holder where empty). `share`:
    two counts of which the first is part of the second, shown as a share over time (9.1: AGI firms of all firms).
    `total` caps what entries come to together (10.1: support of a project, whoever pays). `once`: what no two entries
    that stand may say alike, taken together; `same`: fields that several entries should not say alike, shown where they
    do. `in_province`: the holder is registered in the province on the first day. `by_holder`: a party enters its own.
    `counted_by`: texts by which frozen figures are told apart; `counted_when`: a day, and figures are of the entries
    whose day lies in the period, not of what is on the register on its last one. `notice`: a setting, the days before
    an entry ends from which on its keeper is told. `built`: the centre on the platform that an entry is about. The
    others are in `register_links`.
    """

    key: str
    sentence: str
    phrase: str
    title: str
    title_en: str
    office: str
    name_is: str
    name_is_en: str
    holder_is: str = ""
    holder_is_en: str = ""
    fields: tuple[RegisterField, ...] = ()
    share: tuple[str, str] | None = None
    total: RegisterTotal | None = None
    draws: tuple[RegisterDraw, ...] = ()
    members: RegisterMembers | None = None
    matching: RegisterMatching | None = None
    answer: RegisterAnswer | None = None
    looked_at: RegisterLook | None = None
    once: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    in_province: bool = False
    by_holder: bool = False
    counted_by: tuple[str, ...] = ()
    counted_when: str = ""
    feeds: tuple[RegisterFeed, ...] = ()
    notice: object = None
    built: RegisterCentre | None = None
    jury: RegisterJury | None = None
    mark: RegisterMark | None = None

    @property
    def filled_in(self) -> frozenset[str]:
        """The fields that the platform fills in from draws and sheets: nobody types them."""
        judged = (self.jury.jury, self.jury.entries) if self.jury else ()
        return frozenset((*judged, self.mark.mark) if self.mark else judged)

    @property
    def notice_setting(self) -> SettingSpec | None:
        """How many days before its end an entry is told of; None: it is not.

        Raises:
            LawError: it is no setting.
        """
        if self.notice is None:
            return None
        spec = getattr(getattr(self.notice, "node", None), "spec", None)
        if not isinstance(spec, SettingSpec):
            raise LawError(f"名录 {self.key} 的到期提示须是一个参数（count_setting）", code="law.register_notice_wrong")
        return spec

    def field_of(self, key: str) -> RegisterField | None:
        """Its field of that key."""
        return next((one for one in self.fields if one.key == key), None)

    @property
    def columns(self) -> Mapping[str, str]:
        """By key what each column of its file is called, in their order."""
        own = {"name": self.name_is, "holder": self.holder_is} if self.holder_is else {"name": self.name_is}
        shown = (key for key in COMMON_COLUMNS if key != "holder" or self.holder_is)
        return {
            **{key: own.get(key, COMMON_COLUMNS[key]) for key in shown},
            **{one.key: one.title for one in self.fields},
        }


def check_register_spec(spec: RegisterSpec, offices: Collection[str]) -> None:
    """Refuse a register that nobody may keep, or whose columns cannot be told apart.

    `offices` are those that the text names for its sentence.

    Raises:
        LawError: what is wrong with which register or field.
    """
    place = f"名录 {spec.key}"
    if spec.office not in offices:
        raise LawError(
            f"{place}：第 {spec.sentence} 句没有写到单位“{spec.office}”；写到的是 {'、'.join(offices) or '无'}",
            code="law.register_office_not_named",
        )
    keys, titles = [one.key for one in spec.fields], list(spec.columns.values())
    twice_written = {key for key in keys if keys.count(key) > 1 or key in COMMON_COLUMNS}
    for twice in sorted(twice_written | {title for title in titles if titles.count(title) > 1}):
        raise LawError(f"{place}：栏目“{twice}”写了两次，或与共有的栏目同名", code="law.register_field_twice")
    for one in spec.fields:
        if (one.kind is FieldKind.CHOICE) != bool(one.options):
            raise LawError(f"{place}：栏目 {one.key} 的选项与它的类型不符", code="law.register_options_wrong")
    if spec.total is not None:
        _check_total(spec, spec.total)
    for key in spec.share or ():
        found = spec.field_of(key)
        if found is None or found.kind is not FieldKind.COUNT:
            raise LawError(f"{place}：占比的“{key}”不是它的计数栏目", code="law.register_share_unknown")


def _check_total(spec: RegisterSpec, total: RegisterTotal) -> None:
    summed, by = spec.field_of(total.field), spec.field_of(total.per)
    if summed is None or by is None or summed.kind is not FieldKind.YUAN or not (summed.required and by.required):
        raise LawError(
            f"名录 {spec.key}：合计的 {total.field}、{total.per} 须是必填的金额栏目和必填的栏目",
            code="law.register_total_wrong",
        )
    total.most_fen  # noqa: B018 (refuses what is no figure)


def check_register_facts(rule: str, facts: Iterable[FactSpec], registers: Mapping[str, RegisterSpec]) -> None:
    """Refuse a fact that a register of the policy is said to know, but cannot: a total, or that the claimant is on it.

    Raises:
        LawError: it names the rule and the fact.
    """
    for fact in (one for one in facts if one.known_by == "things"):
        named = registers.get(fact.measure)
        is_total = named is not None and named.total is not None and fact.kind is ValueKind.MONEY
        is_holder = named is not None and bool(named.holder_is) and fact.kind is ValueKind.BOOL
        if not (is_total or is_holder):
            raise LawError(
                f"第 {rule} 句的事实 {fact.name}：measure 须是本政策的名录；有合计（total）的取金额，"
                "有持有单位（holder_is）的取是否在册",
                code="law.register_fact_wrong",
            )
