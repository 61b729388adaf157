"""What an article declares: its facts, the figures the law fixes, the settings it leaves open, and its questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import ClassVar, TypeAlias, TypedDict, TypeVar

from huisuan.law.authoring.operators import Bool, Choice, Date, H, Int, Money, Operand, Rates, Regions, Share, Text
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Const, FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.values import InvalidValue, ValueKind, parse_chinese_money, parse_share
from huisuan.law.text.figures import FigureValue, names_figure

B = TypeVar("B")
RegionNames: TypeAlias = Mapping[str, tuple[str, str]]
Within: TypeAlias = str | tuple[str, ...]
#: sources of the platform that say many things: without a measure nobody asks them and the applicant fills in
_MEASURED = frozenset({"register", "meter", "relations", "treasury", "things"})


class FactSource(TypedDict):
    """The part of a `FactSpec` that says who knows the fact."""

    known_by: str
    measure: str
    within: tuple[str, ...]


class Facts:
    """The facts of an article: a class whose attributes are made by `money`, `integer`, `boolean`, ...

    They are facts of the thing that `about` names, else of one that only this class describes; a fact of the claimant
    itself says so (`about=THE_CLAIMANT`). The calculator asks the same fact of the same thing once.
    """

    about: ClassVar[str] = ""

    @classmethod
    def specs(cls) -> tuple[FactSpec, ...]:
        """Its facts in the order of writing."""
        found = [
            attribute.node.spec
            for attribute in vars(cls).values()
            if isinstance(attribute, Operand) and isinstance(attribute.node, nodes.Fact)
        ]
        if not found:
            raise LawError(f"{cls.__name__} 没有声明任何事实", code="law.article_without_facts")
        return tuple(found)


def money(
    zh: str, en: str, *, asked_by: str, maximum: str, evidence: str = "", known_by: str = "", measure: str = "",
    within: Within = (), role: str = "",
) -> Money:  # fmt: skip
    """A fact in fen; `maximum` ("100亿元") is the most that can be declared."""
    most = parse_chinese_money(maximum)
    source = _source(known_by, measure, within)
    return Money(
        nodes.Fact(FactSpec("", ValueKind.MONEY, zh, en, asked_by, "分", evidence, maximum=most, role=role, **source))
    )


def integer(
    zh: str, en: str, *, asked_by: str, unit: str, maximum: int, evidence: str = "", known_by: str = "",
    measure: str = "", within: Within = (), role: str = "",
) -> Int:  # fmt: skip
    """A fact that is a count in a unit."""
    source = _source(known_by, measure, within)
    return Int(
        nodes.Fact(FactSpec("", ValueKind.INT, zh, en, asked_by, unit, evidence, maximum=maximum, role=role, **source))
    )


def boolean(
    zh: str, en: str, *, asked_by: str, evidence: str = "", known_by: str = "", measure: str = "", within: Within = (),
    about: str = "",
) -> Bool:  # fmt: skip
    """A fact that holds or does not."""
    source = _source(known_by, measure, within)
    return Bool(nodes.Fact(FactSpec("", ValueKind.BOOL, zh, en, asked_by, "", evidence, about=about, **source)))


def day(
    zh: str, en: str, *, asked_by: str, evidence: str = "", known_by: str = "", measure: str = "", about: str = "",
    role: str = "",
) -> Date:  # fmt: skip
    """A fact that is a calendar day; with a `role` it says when what is claimed for happened, or began (`FactSpec`).

    Raises:
        LawError: another role than these.
    """
    if role not in ("", "event", "began"):
        raise LawError(f'{zh}：role 只能是 "event" 或 "began"', code="law.day_role_unknown")
    source = _source(known_by, measure)
    spec = FactSpec("", ValueKind.DATE, zh, en, asked_by, "", evidence, about=about, role=role, **source)
    return Date(nodes.Fact(spec))


def share(
    zh: str, en: str, *, asked_by: str, evidence: str = "", known_by: str = "", measure: str = "", about: str = ""
) -> Share:
    """A fact that is a share ("1/3", "20%")."""
    source = _source(known_by, measure)
    return Share(nodes.Fact(FactSpec("", ValueKind.SHARE, zh, en, asked_by, "", evidence, about=about, **source)))


def choice(
    zh: str, en: str, options: Mapping[str, tuple[str, str]], *, asked_by: str, evidence: str = "", known_by: str = "",
    measure: str = "", about: str = "", role: str = "",
) -> Choice:  # fmt: skip
    """A fact that is one of the options (name -> Chinese, English)."""
    zh_words = {name: words[0] for name, words in options.items()}
    en_words = {name: words[1] for name, words in options.items()}
    spec = FactSpec(
        "", ValueKind.CHOICE, zh, en, asked_by, "", evidence, options=zh_words, options_en=en_words, about=about,
        role=role, **_source(known_by, measure),
    )  # fmt: skip
    return Choice(nodes.Fact(spec))


def text(zh: str, en: str, *, asked_by: str, evidence: str = "", known_by: str = "", measure: str = "") -> Text:
    """A fact in words."""
    source = _source(known_by, measure)
    return Text(nodes.Fact(FactSpec("", ValueKind.TEXT, zh, en, asked_by, "", evidence, **source)))


def _source(known_by: str, measure: str, within: Within = ()) -> FactSource:
    """Who knows a fact, what of that source it is, and where the source is to look (see `FactSpec`).

    Raises:
        LawError: a measure of no source, a place where nothing is measured, a source of the platform without a measure.
    """
    places = (within,) if isinstance(within, str) else tuple(within)
    if (measure and not known_by) or (places and not measure):
        raise LawError("写了 measure 须写 known_by；写了 within 须写 measure", code="law.fact_source_incomplete")
    if known_by in _MEASURED and not measure:
        raise LawError(
            f'known_by="{known_by}" 须写明取其中哪一项（measure），否则只能由申报人自填；平台不掌握的事实不写 known_by',
            code="law.fact_source_without_measure",
        )
    return {"known_by": known_by, "measure": measure, "within": places}


def legal_share(figure: str, sentence: str, phrase: str) -> Share:
    """A share that the law itself fixes; the figure must stand in the phrase as written ("30%", "1/3").

    Raises:
        LawError: it does not.
    """
    value = parse_share(figure)
    _check_quoted(figure, ValueKind.SHARE, value, sentence, phrase)
    return Share(nodes.Cited(Const(value, ValueKind.SHARE), sentence, phrase, ValueKind.SHARE))


def legal_money(figure: str, sentence: str, phrase: str) -> Money:
    """An amount that the law itself fixes, as written ("1000万元")."""
    value = parse_chinese_money(figure)
    _check_quoted(figure, ValueKind.MONEY, value, sentence, phrase)
    return Money(nodes.Cited(Const(value, ValueKind.MONEY), sentence, phrase, ValueKind.MONEY))


def legal_int(figure: int, sentence: str, phrase: str) -> Int:
    """A count that the law itself fixes."""
    _check_quoted(str(figure), ValueKind.INT, figure, sentence, phrase)
    return Int(nodes.Cited(Const(figure, ValueKind.INT), sentence, phrase, ValueKind.INT))


def legal_day(value: date, sentence: str, phrase: str) -> Date:
    """A day that the law itself fixes; it must stand in the phrase, or be the first or last of what stands there."""
    _check_quoted(value.isoformat(), ValueKind.DATE, value, sentence, phrase)
    return Date(nodes.Cited(Const(value, ValueKind.DATE), sentence, phrase, ValueKind.DATE))


def whole() -> Share:
    """The whole of it: 100%."""
    return Share(Const(Fraction(1), ValueKind.SHARE))


def _check_quoted(figure: str, kind: ValueKind, value: FigureValue, sentence: str, phrase: str) -> None:
    if not names_figure(phrase, kind, value):
        raise LawError(f"{sentence}：数字 {figure} 不在引文“{phrase}”中", code="law.figure_not_quoted")


def share_setting(name: str, zh: str, en: str, *, sentence: str, phrase: str, at_most: str = "") -> Share:
    """A share set each year; `at_most` is the law's bound as its phrase writes it ("20%"), without one the whole.

    Raises:
        LawError: the bound does not stand in the phrase, or is no share.
    """
    bound = _parse_bound(parse_share, at_most or "100%")
    if at_most:
        _check_quoted(at_most, ValueKind.SHARE, bound, sentence, phrase)
    return Share(nodes.Setting(SettingSpec(name, ValueKind.SHARE, zh, en, sentence, phrase, bound)))


def money_setting(name: str, zh: str, en: str, *, sentence: str, phrase: str, at_most: str) -> Money:
    """An amount set each year; `at_most` is the law's bound as its phrase writes it ("100万元").

    Raises:
        LawError: the bound does not stand in the phrase, or is no amount.
    """
    bound = _parse_bound(parse_chinese_money, at_most)
    _check_quoted(at_most, ValueKind.MONEY, bound, sentence, phrase)
    return Money(nodes.Setting(SettingSpec(name, ValueKind.MONEY, zh, en, sentence, phrase, bound)))


def budget_setting(name: str, zh: str, en: str, *, sentence: str, phrase: str) -> Money:
    """A year's budget, set each year; the law names no bound."""
    return Money(nodes.Setting(SettingSpec(name, ValueKind.MONEY, zh, en, sentence, phrase)))


def count_setting(name: str, zh: str, en: str, *, sentence: str, phrase: str, at_most: int, odd_from: int = 0) -> Int:
    """A count set by the office (working days, experts of a panel); the law names none, `at_most` keeps it sane.

    `odd_from`: odd, and no less than this: of experts who vote or score.
    """
    return Int(nodes.Setting(SettingSpec(name, ValueKind.INT, zh, en, sentence, phrase, at_most, odd_from=odd_from)))


def regions_setting(name: str, zh: str, en: str, regions: RegionNames, *, sentence: str, phrase: str) -> Regions:
    """A list of region codes set each year, out of those given (code -> Chinese, English)."""
    return Regions(
        nodes.Setting(SettingSpec(name, ValueKind.REGIONS, zh, en, sentence, phrase, None, *_region_names(regions)))
    )


def rates_setting(name: str, zh: str, en: str, regions: RegionNames, *, sentence: str, phrase: str) -> Rates:
    """A share that each region sets for itself, each year; a region that set none has none."""
    spec = SettingSpec(name, ValueKind.RATES, zh, en, sentence, phrase, Fraction(1), *_region_names(regions))
    return Rates(nodes.Setting(spec))


def _region_names(regions: RegionNames) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the regions, Chinese and English."""
    return {code: zh for code, (zh, _) in regions.items()}, {code: en for code, (_, en) in regions.items()}


def _parse_bound(read: Callable[[str], B], text: str) -> B:
    try:
        return read(text)
    except InvalidValue as wrong:
        raise LawError(str(wrong), code="law.bound_malformed") from None


def interpretation(
    name: str, zh: str, en: str, options: Mapping[str, tuple[str, str]], *, sentence: str, phrase: str
) -> Interpretation:
    """Declare a question that the text leaves open, with its options (name -> Chinese, English)."""
    zh_words = {option: words[0] for option, words in options.items()}
    en_words = {option: words[1] for option, words in options.items()}
    return Interpretation(InterpretationSpec(name, sentence, phrase, zh, en, zh_words, en_words))


@dataclass(frozen=True)
class Interpretation:
    """A question that the text leaves open, with its options; which one holds is a setting."""

    spec: InterpretationSpec

    def choose(self, **branches: H) -> H:
        """One branch per option, all of them.

        Raises:
            LawError: an option without a branch, or a branch without an option.
        """
        if set(branches) != set(self.spec.options):
            raise LawError(
                f"解释口径 {self.spec.name}：分支 {sorted(branches)} 与选项 {sorted(self.spec.options)} 不一致",
                code="law.interpretation_branches",
            )
        kind = type(next(iter(branches.values())))
        return kind(nodes.Interpreted(self.spec, {name: branch.node for name, branch in branches.items()}))
