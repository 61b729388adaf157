"""Pictures of a comparison: the means, how long jobs waited under each policy, and how busy the cards were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.compute.simulator.metrics import busy
from huisuan.compute.simulator.replay import ReplayedJob

INK, QUIET, LINE, PAPER = "#1d2327", "#5c6469", "#dcd8cf", "#fbfaf7"
HUES = {"huisuan": "#1f6f63", "fifo": "#a86500", "sjf": "#2458a6", "fair": "#8a6fa8", "live": "#5c6469"}
_FONT = "Noto Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Zen Hei, sans-serif"
_FORMS = (".svg", ".png", ".html")
SPANS = ((1, "1 秒"), (10, "10 秒"), (60, "1 分"), (600, "10 分"), (3_600, "1 时"), (21_600, "6 时"), (86_400, "1 天"))
_DAY = 86_400
WIDTH, HEIGHT = 620, 180
_STEPS = 120  # points of a curve


def write_charts(found: Mapping[str, Sequence[ReplayedJob]], cards: int, path: Path, title: str) -> None:
    """Draw both into a file of the form that its suffix names.

    Raises:
        InvalidRequest: another suffix.
        Unavailable: the drawing library is not installed, or the file cannot be written.
    """
    if path.suffix not in _FORMS:
        raise InvalidRequest(f"--chart {path}：图只写成 {'、'.join(_FORMS)}", code="chart.format_unknown")
    try:
        chart = _framed(found, cards, title)
        if path.suffix == ".html":
            chart.save(path, inline=True)
        else:
            chart.save(path, scale_factor=2 if path.suffix == ".png" else 1)
    except ImportError:
        raise Unavailable("画图需要平台组件：pip install 'huisuan[platform]'", code="chart.packages_missing") from None
    except OSError as error:
        raise Unavailable(
            f"--chart {path}：写不了（{error.strerror}）；请检查路径与权限", code="file.not_writable"
        ) from None


def still_waiting(ran: Sequence[ReplayedJob]) -> list[tuple[float, float]]:
    """(seconds, share of the jobs that waited longer), at moments as far apart as their logarithms."""
    waits = sorted(job_run.waited_s for job_run in ran)
    most = max(waits[-1], 10)
    points, place = [], 0
    for moment in sorted({round(most ** (step / _STEPS)) for step in range(_STEPS + 1)}):
        while place < len(waits) and waits[place] <= moment:
            place += 1
        points.append((float(moment), 1 - place / len(waits)))
    return points


def used(ran: Sequence[ReplayedJob], cards: int) -> list[tuple[float, float]]:
    """(day, share of the cards in use), by day or, over less than ten days, by hour."""
    since = min(job_run.job.submitted_s for job_run in ran)
    until = max(job_run.ended_s for job_run in ran)
    step = _DAY if until - since > 10 * _DAY else _DAY // 24
    return [
        ((place + 0.5) * step / _DAY, spent / (cards * step))
        for place, spent in enumerate(busy(ran, since, until + 1, step))
    ]


def _framed(found: Mapping[str, Sequence[ReplayedJob]], cards: int, title: str) -> Any:
    import altair as alt

    waits = {name: still_waiting(ran) for name, ran in found.items()}
    scale = alt.Scale(type="log", domain=[1, max(points[-1][0] for points in waits.values())])
    axis = alt.Axis(values=[at for at, _ in SPANS], labelExpr=_words(), title=None)
    use = {name: used(ran, cards) for name, ran in found.items()}
    return (
        alt.vconcat(
            _means(found),
            _lines(waits, alt.X("x:Q", scale=scale, axis=axis), "排队超过这么久的作业"),
            _lines(use, alt.X("x:Q", axis=alt.Axis(title="天")), "在用的卡"),
            spacing=24,
        )
        .properties(title=alt.TitleParams(title, anchor="start"), background=PAPER)
        .configure(font=_FONT)
        .configure_title(color=INK, anchor="start")
        .configure_view(stroke=None)
        .configure_axis(domainColor=LINE, labelColor=QUIET, titleColor=QUIET, gridColor=LINE, titleFontWeight="normal")
    )


def _means(found: Mapping[str, Sequence[ReplayedJob]]) -> Any:
    """A bar a policy, waiting and running, with its figures: the names and hues for the curves below, too."""
    import altair as alt

    rows = []
    for name, ran in found.items():
        queue = sum(job_run.waited_s for job_run in ran) / len(ran)
        jct = queue + sum(job_run.job.duration_s for job_run in ran) / len(ran)
        rows.append({"policy": name, "jct": jct, "label": f"{jct:,.0f} 秒，其中排队 {queue:,.0f}"})
    axis = alt.Axis(title=None, ticks=False, domain=False, labelFontSize=12, labelColor=INK)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("policy:N", sort=None, axis=axis), x=alt.X("jct:Q", axis=None)
    )
    labels = base.mark_text(align="left", dx=5, color=INK).encode(text="label:N")
    bars = base.mark_bar(height=14).encode(color=_hue(found))
    return (bars + labels).properties(width=WIDTH - 160, height=len(rows) * 22, title="从提交到结束，平均")


def _lines(curves: Mapping[str, Sequence[tuple[float, float]]], x: Any, title: str) -> Any:
    import altair as alt

    rows = [{"policy": name, "x": at, "y": share} for name, points in curves.items() for at, share in points]
    y = alt.Y("y:Q", axis=alt.Axis(format=".0%", title=None))
    lines = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=_hue(curves))
    return lines.properties(width=WIDTH, height=HEIGHT, title=title)


def _hue(names: Iterable[str]) -> Any:
    import altair as alt

    domain = list(names)
    return alt.Color(
        "policy:N", legend=None, scale=alt.Scale(domain=domain, range=[HUES.get(name, INK) for name in domain])
    )


def _words() -> str:
    """Axis labels in words, as Vega reads them."""
    return "".join(f"datum.value == {at} ? '{word}' : " for at, word in SPANS) + "''"
