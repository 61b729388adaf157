"""`huisuan simulate`: policies compared on a public trace. No database, no web."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.compute.traces import options
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

if TYPE_CHECKING:
    from huisuan.compute.simulator.cluster import World
    from huisuan.compute.simulator.replay import ReplayedJob
    from huisuan.compute.simulator.trace_jobs import Trace, TraceJob

_SHOWN = 10  # faults on the screen; --json has all


def simulate(
    trace: Annotated[
        Path, typer.Option("--trace", help="作业轨迹：Philly、Helios、Acme、openb 的 CSV 或 JSON，或 SWF；可为 .gz")
    ],
    policy: Annotated[
        str, typer.Option("--policy", help="fifo、sjf、fair、limits、huisuan 中的几个，逗号分隔；all 为全部")
    ] = "all",
    pool: Annotated[str | None, typer.Option("--pool", help="一个资源池：节点数x每节点卡数，如 100x8")] = None,
    centres: Annotated[Path | None, typer.Option("--centres", help="中心清单（TOML），见 docs/simulator.md")] = None,
    month: Annotated[str | None, typer.Option("--month", help="只取这个月提交的作业，如 2017-10")] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="另一组调度权重（TOML，格式同 placement/weights.toml）")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="轨迹：没有偏移的时间是哪个时区的（IANA）；不写则照原样，不换算")
    ] = None,
    submit_column: options.SubmitColumn = None,
    start_column: options.StartColumn = None,
    end_column: options.EndColumn = None,
    duration_column: options.DurationColumn = None,
    cards_column: options.CardsColumn = None,
    user_column: options.UserColumn = None,
    account_column: options.AccountColumn = None,
    job_column: options.JobColumn = None,
    state_column: options.StateColumn = None,
    chart: Annotated[Path | None, typer.Option("--chart", help="把比较画成图：.svg、.png 或 .html")] = None,
    as_json: AsJson = False,
) -> None:
    """重放公开的作业轨迹，比较调度策略：用的就是平台的调度代码，时钟是假的。"""
    from huisuan.compute.placement.weights import load_weights, parse_weights
    from huisuan.compute.simulator.policies import parse_policies
    from huisuan.compute.simulator.trace_jobs import read_trace
    from huisuan.compute.traces.columns import TraceColumns

    columns = TraceColumns(
        submit_column, start_column, end_column, duration_column, cards_column, user_column, account_column,
        job_column, state_column,
    )  # fmt: skip
    policies = parse_policies(policy)
    world = _world(pool, centres)
    known = load_weights() if weights is None else parse_weights(weights.name, _text(weights))
    read = read_trace(trace, columns, timezone)
    read = read.in_month(month) if month else read
    jobs = _fitting_jobs(read, world, month)
    found: dict[str, list[ReplayedJob]] = {}
    results = []
    for chosen in policies:
        found[chosen.name], measured = _replayed(chosen, jobs, world, known[-1])
        results.append(measured)
    if chart is not None:
        from huisuan.compute.simulator.charts import write_charts

        write_charts(found, world.cards, chart, f"{trace.name}，{len(jobs):,} 个作业，{world.cards:,} 卡")
    if as_json:
        print_json(_as_json(read, jobs, world, results, known[-1].name))
        return
    _show(read, len(jobs), world, results, {chosen.name: chosen.label for chosen in policies})
    if chart is not None:
        note(f"图已写入 {chart}")


def _world(pool: str | None, centres: Path | None) -> World:
    from huisuan.compute.simulator.cluster import one_pool, read_world

    if (pool is None) == (centres is None):
        raise typer.BadParameter("请写明在哪里重放：--pool 100x8，或 --centres 清单.toml，二者取一")
    return one_pool(pool) if pool is not None else read_world(centres or Path())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path}：读不出来：{error}", code="file.unreadable") from None


def _fitting_jobs(read: Trace, world: World, month: str | None) -> list[TraceJob]:
    """The jobs that some pool can hold.

    Raises:
        InvalidRequest: there is none.
    """
    jobs = [job for job in read.jobs if _fits(job.cards, job.models, world)]
    if not jobs:
        raise InvalidRequest(
            f"{read.name}：没有作业放得进这些资源池" + (f"（{month} 提交的）" if month else ""),
            code="simulation.no_job_fits",
        )
    return jobs


def _fits(cards: int, models: tuple[str, ...], world: World) -> bool:
    """Whether some pool, empty, holds such a job."""
    largest = max(pool.cards_per_node for pool in world.pools)
    nodes = -(-cards // largest)
    per_node = -(-cards // nodes)
    return any(sum(pool.all_sizes[per_node:]) >= nodes for pool in world.pools if not models or pool.model in models)


def _replayed(policy: Any, jobs: list[Any], world: World, weights: Any) -> tuple[list[ReplayedJob], Any]:
    import time

    from huisuan.compute.simulator.metrics import replay_measures
    from huisuan.compute.simulator.replay import Replay

    replay = Replay(jobs, world, policy, weights)
    with progress(f"重放 {policy.name}", len(jobs)) as bar:
        begun = time.perf_counter()
        ran = replay.run(lambda done: bar.update(bar.task_ids[0], completed=done))
        spent = time.perf_counter() - begun
    return ran, replay_measures(policy.name, ran, world, spent)


def _as_json(read: Trace, jobs: list[Any], world: World, results: list[Any], weights: str) -> dict[str, Any]:
    return {
        "trace": read.name,
        "format": read.form,
        "jobs": len(jobs),
        "too_large": len(read.jobs) - len(jobs),
        "counts": read.counts,
        "faults": [{"line": line, "reason": reason} for line, reason in read.faults],
        "notes": read.notes,
        "cards": world.cards,
        "weights": weights,
        "policies": {result.policy: result.as_dict() for result in results},
    }


def _accounted(read: Trace, jobs: int) -> str:
    """What became of every line, in one sentence."""
    from huisuan.compute.traces.read import KINDS

    counts = read.counts
    left_out = {label: counts[kind] for kind, label in KINDS.items()}
    left_out |= {"不在所选月份": counts["jobs"] - len(read.jobs), "哪里都放不下": len(read.jobs) - jobs}
    left_out |= {"拒收": counts["refused"]}
    parts = [f"{label} {count:,}" for label, count in left_out.items() if count]
    found = f"读入 {counts['lines']:,} 行，重放 {jobs:,} 个作业（轨迹共 {counts['card_seconds']:,} 卡秒）"
    return found + ("；未重放：" + "，".join(parts) if parts else "")


def _show(read: Trace, jobs: int, world: World, results: list[Any], labels: dict[str, str]) -> None:
    columns = {
        "policy": "策略", "mean_jct_s": "平均 JCT 秒", "mean_queue_s": "平均排队 秒", "median_queue_s": "中位",
        "p99_queue_s": "p99", "max_queue_s": "最长", "utilisation": "利用率", "fairness": "公平 (Jain)",
    }  # fmt: skip
    if world.priced:
        columns |= {"cost_fen": "费用 元", "subsidy_fen": "补助 元"}
    columns |= {"simulated_s": "用时 秒", "jobs_per_s": "作业/秒"}
    rows = [
        {**result.as_dict(), **{name: f"{getattr(result, name):,.1f}" for name in columns if name.endswith("queue_s") or
         name == "mean_jct_s"}, "utilisation": f"{result.utilisation:.1%}", "policy": labels[result.policy]}
        for result in results
    ]  # fmt: skip
    title = f"{read.name}：{jobs:,} 个作业，{len(world.pools)} 个资源池共 {world.cards:,} 卡"
    print_table(title, rows, columns, "没有结果")
    out.print(_accounted(read, jobs), markup=False)
    for text in read.notes:
        out.print(text, markup=False)
    if read.faults:
        note(f"{len(read.faults):,} 行没有采用：")
        for line, reason in read.faults[:_SHOWN]:
            note(f"  行 {line:,} {reason}")
        if len(read.faults) > _SHOWN:
            note("  ……其余见 --json")
