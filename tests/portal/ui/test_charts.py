"""Charts: clean SVG in two widths, exact figures behind them, labels short enough to stand on a bar."""

from __future__ import annotations

from decimal import Decimal

import altair as alt
import pytest
from django.utils import translation

from huisuan.portal.ui import charts, number_format
from huisuan.portal.ui.bar_drawings import CELADON
from huisuan.portal.ui.charts import Bar

BARS = [Bar("1", "1,234.50", Decimal("1234.5")), Bar("<2>", "0.00", Decimal(0)), Bar("3", "56,789.00", Decimal(56789))]


def test_a_drawing_needs_nothing_that_the_content_policy_forbids() -> None:
    for chart in (charts.columns("t", ("月", "卡时"), BARS), charts.ranking("t", ("型号", "卡时"), BARS)):
        for svg in (chart.wide.svg, chart.narrow.svg):
            assert svg.startswith("<svg")
            assert "style=" not in svg
            assert "<script" not in svg
            assert "<2>" not in svg
            assert "&lt;2&gt;" in svg


def test_colours_are_those_that_the_style_sheet_replaces_in_the_dark() -> None:
    svg = charts.columns("t", ("月", "卡时"), BARS).wide.svg
    assert f'fill="{CELADON}"' in svg
    assert 'fill="white"' not in svg


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        ("0.4", "0.4", "0.4"),
        ("9", "9", "9"),
        ("345.6", "346", "346"),
        ("12345", "1.2万", "12.3k"),
        ("1234567", "123万", "1.2m"),
    ],
)
def test_labels_are_rounded_in_the_readers_way(value: str, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert charts.rounded(Decimal(value)) == chinese
    with translation.override("en"):
        assert charts.rounded(Decimal(value)) == english


def test_figures_are_exact() -> None:
    assert number_format.card_hours(10**15 + 18) == "277,777,777,777.78"
    assert number_format.line_yuan(1, 1) == "0.0000"
    assert number_format.line_yuan(3600, 1201) == "12.0100"
    assert number_format.line_yuan(36, 5001) == "0.5001"
    assert number_format.format_percentage(1, 3) == "33.3%"
    assert number_format.format_percentage(1, 0) == "—"
    assert number_format.duration(97925) == "27:12:05"


def test_what_is_described_is_what_the_drawer_knows() -> None:
    drawn = (
        charts.columns("t", ("月", "卡时"), BARS),
        charts.ranking("t", ("型号", "卡时"), BARS),
        charts.against("t", ("规模", "P", "日期"), BARS, Decimal(400), "400 P"),
    )
    for chart in drawn:
        for one in (chart.wide, chart.narrow):
            alt.Chart.from_dict(one.spec, validate=True)  # raises where a name or a value is none of the drawer's


def test_a_mark_that_all_bars_fall_short_of_still_stands_on_their_axis() -> None:
    bars = [Bar("登记", "10.0 P", Decimal(10)), Bar("用过", "0.0 P", Decimal(0), "2024-01-05 08:00")]
    chart = charts.against("t", ("规模", "P", "日期"), bars, Decimal(400), "400 P")
    assert ">400 P</text>" in chart.wide.svg
    assert "0.0 P  2024-01-05 08:00" in chart.wide.svg
    assert "2024-01-05" not in chart.narrow.svg
