"""One picture of a budget: what each article costs now and under the scenario, as level bars with their figures.

Figures are rounded here and nowhere else: the chart is in 万元, the tables are exact.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huisuan.law.budget.model import Budget
from huisuan.law.model.errors import LawError

INK, QUIET, LINE = "#1d2327", "#5c6469", "#dcd8cf"
BEFORE, AFTER = "#a9b8b4", "#1f6f63"
PAPER = "#fbfaf7"
_FONT = "Noto Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Zen Hei, sans-serif"
CHART_SUFFIXES = (".svg", ".png", ".html")
WAN, MILLION = 1_000_000, 100_000_000  # fen
_LONGEST_NAME = 200


def write_chart(budget: Budget, path: Path, title: str, *, subtitle: str = "") -> None:
    """Draw the chart into a file of the form that its suffix names.

    Raises:
        LawError: another suffix, no article that pays, the drawing library is not installed, or an unwritable file.
    """
    if path.suffix not in CHART_SUFFIXES:
        raise LawError(f"{path}：图只写成 {'、'.join(CHART_SUFFIXES)}", code="law.file_type")
    try:
        chart = _framed(budget_chart(budget), title, subtitle)
        if path.suffix == ".html":
            chart.save(path, inline=True)
        else:
            chart.save(path, scale_factor=2 if path.suffix == ".png" else 1)
    except ImportError:
        raise LawError("画图需要平台组件：pip install 'huisuan[platform]'", code="law.library_missing") from None
    except OSError as error:
        raise LawError(f"{path}：写不了（{error.strerror}）；请检查路径与权限", code="law.file_unwritable") from None


def budget_chart(budget: Budget, *, width: int = 560, english: bool = False) -> Any:
    """The chart as Altair describes it: a pair of bars per article that costs something, in the order of the text.

    Raises:
        LawError: no article costs anything, before or after.
    """
    import altair as alt

    words = ("now", "scenario") if english else ("现行", "情景")
    rows = [
        {"name": f"{rule.rule.sentence} {rule.rule.title_en if english else rule.rule.title}", "when": when,
         "wan": fen / WAN, "label": f"{when} {_format_short(fen, english)}"}
        for rule in budget.rules
        if rule.total.before_fen or rule.total.after_fen
        for when, fen in zip(words, (rule.total.before_fen, rule.total.after_fen), strict=True)
    ]  # fmt: skip
    if not rows:
        raise LawError("没有一条有应享金额，画不了图", code="law.chart_empty")
    name_room = min(_LONGEST_NAME, width // 2)
    axis = alt.Axis(labelFontSize=11, ticks=False, domain=False, labelLimit=name_room, labelPadding=8)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=axis),
        yOffset=alt.YOffset("when:N", sort=list(words)),
        x=alt.X("wan:Q", axis=None),
        tooltip=["name:N", "label:N"],
    )
    color = alt.Color("when:N", scale=alt.Scale(domain=list(words), range=[BEFORE, AFTER]), legend=None)
    bars = base.mark_bar(height=11).encode(color=color)
    labels = base.mark_text(align="left", dx=5, fontSize=11, color=INK).encode(text="label:N")
    return (bars + labels).properties(width=max(width - name_room - 110, 80), height=len(rows) * 17)


def _framed(chart: Any, title: str, subtitle: str) -> Any:
    """The chart with title, colours and fonts, for a file of its own."""
    import altair as alt

    return (
        chart.properties(title=alt.TitleParams(title, subtitle=subtitle, anchor="start"), background=PAPER)
        .configure(font=_FONT)
        .configure_title(color=INK, subtitleColor=QUIET)
        .configure_view(stroke=None)
        .configure_axis(domainColor=LINE, labelColor=QUIET, grid=False)
    )


def _format_short(fen: int, english: bool) -> str:
    """Fen in 万元 (in English in millions), rounded half up: for bars only."""
    unit, sign = (MILLION, "m") if english else (WAN, " 万元")
    tenths = (fen * 10 + unit // 2) // unit
    return f"{tenths // 10:,}.{tenths % 10}{sign}" if tenths < 10_000 else f"{(tenths + 5) // 10:,}{sign}"
