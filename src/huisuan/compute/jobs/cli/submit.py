"""`huisuan job submit`: a file in any format, or a command after --."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from huisuan.client import Client, connect
from huisuan.compute.jobs.cli.completion import centre_codes
from huisuan.compute.jobs.cli.output import STATES, print_job, print_preview
from huisuan.compute.jobs.cli.request_from_options import STDIN, planned, upload
from huisuan.compute.jobspec.detect import JOB_FORMATS
from huisuan.protocol.placement import Preview
from huisuan.protocol.resources import ArrayInfo, Job
from huisuan.terminal import AsJson, note, out, print_json

_COMMAND = "huisuan.command"


class AfterDashes(TyperCommand):
    """Keeps what stands after -- apart: without that, a program's name could not be told from a file's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the command away from the rest."""
        ctx.meta[_COMMAND] = None
        if "--" in args:
            place = args.index("--")
            args, ctx.meta[_COMMAND] = args[:place], args[place + 1 :]
        return super().parse_args(ctx, args)


def submit(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="[文件 | -- 命令 参数…]", help="作业文件；- 表示标准输入")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help=f"文件的格式；不写则自动认出：{'、'.join(JOB_FORMATS)}")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="作业名；不写则用程序名")] = None,
    cards: Annotated[int | None, typer.Option("--cards", help="整个作业的加速卡数")] = None,
    nodes: Annotated[int | None, typer.Option("--nodes", help="平均放在几个节点上，同时开始")] = None,
    models: Annotated[
        list[str] | None, typer.Option("--models", "--model", help="可接受的型号，逗号分隔或重复；不写则任何型号")
    ] = None,
    vendor: Annotated[str | None, typer.Option("--vendor", help="可接受的厂商")] = None,
    min_memory: Annotated[int | None, typer.Option("--min-memory", help="每卡显存至少多少 GiB")] = None,
    min_tflops: Annotated[str | None, typer.Option("--min-tflops", help="每卡稠密 FP16 至少多少 TFLOPS")] = None,
    centre: Annotated[
        str | None, typer.Option("--centre", help="只在这个智算中心；不写则由平台调度", autocompletion=centre_codes)
    ] = None,
    city: Annotated[str | None, typer.Option("--city", help="只在这个市")] = None,
    data_at: Annotated[str | None, typer.Option("--data-at", help="数据所在：智算中心代码，或市")] = None,
    price_ceiling: Annotated[int | None, typer.Option("--price-ceiling", help="每卡时最高价，分，补助前")] = None,
    deadline: Annotated[str | None, typer.Option("--deadline", help='最迟完成："2024-06-30 18:00"（北京时间）')] = None,
    time_limit: Annotated[str | None, typer.Option("--time-limit", help="时限：90s、15m、1h30m、2d；不写则 1h")] = None,
    retries: Annotated[int | None, typer.Option("--retries", help="失败后最多再试几次")] = None,
    array: Annotated[str | None, typer.Option("--array", help="阵列下标：0-9、1,3,5、0-100:10")] = None,
    after: Annotated[
        list[str] | None, typer.Option("--after", help="先完成这个作业（阵列写它的第一个作业号）；可重复")
    ] = None,
    env: Annotated[list[str] | None, typer.Option("--env", help="环境变量 名=值；只写名则取本机的值；可重复")] = None,
    image: Annotated[str | None, typer.Option("--image", help="容器镜像；只有运行容器的中心可用")] = None,
    outputs: Annotated[
        str | None,
        typer.Option("--outputs", help="结果文件夹，工作目录里的相对路径：结束后由中心保留，用 job get 取回"),
    ] = None,
    workdir: Annotated[
        Path | None, typer.Option("--workdir", help="打包上传的文件夹（见 .huisuanignore）；作业在其中开始")
    ] = None,
    notify: Annotated[str | None, typer.Option("--notify", help="状态变化时通知的网址（webhook）")] = None,
    party: Annotated[str | None, typer.Option("--party", help="所属主体的统一社会信用代码（仅操作员）")] = None,
    project: Annotated[str | None, typer.Option("--project", help="归哪个项目；不写则默认项目，或令牌的项目")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="只看会去哪里、何时、多少钱，不提交")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="等到作业（或整个阵列）结束；没有全部完成则退出码为 1")] = False,
    as_json: AsJson = False,
) -> None:
    """提交作业：文件（惠算 YAML、sbatch 脚本、SkyPilot 任务、Kubernetes Job），或 -- 之后的命令。

    例如 huisuan job submit train.sbatch，或 huisuan job submit --cards 8 -- python train.py --epochs 3。
    选项优先于文件。
    """
    command = context.meta[_COMMAND]
    if file is not None and command is not None:
        raise typer.BadParameter("文件与 -- 之后的命令只能写一个")
    if file is None and not command:
        raise typer.BadParameter(f"请写作业文件（{STDIN} 表示标准输入），或在 -- 之后写要运行的命令")
    lists = {"models": models, "env": env, "after": after}  # as typer made them, not as click keeps them
    plan = planned(file, form, command or (), {**context.params, **lists, "workdir": workdir})
    for text in plan.request.notes:
        note(f"没有照搬：{text}")
    with connect() as client:
        if preview:
            _previewed(client.preview(plan.request), as_json)
            return
        request = plan.request
        if plan.folder is not None:
            request = request.model_copy(update={"workdir": upload(client, plan.folder, request.party)})
        job = client.submit(request)
        ended = _waited(client, job) if wait else None
    _told(job, ended, as_json)


def _previewed(found: Preview, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump())
    else:
        print_preview(found)
    if not found.possible:
        raise typer.Exit(1)


def _waited(client: Client, job: Job) -> Job | ArrayInfo:
    if job.array_uid:
        note(f"阵列 {job.array_uid} 已提交，正在等待全部结束……")
        return client.wait_array(job.array_uid, on_progress=lambda now: note(_counted(now)))
    note(f"作业 {job.uid} 已提交，正在等待结束……")
    return client.wait(job.uid)


def _told(job: Job, ended: Job | ArrayInfo | None, as_json: bool) -> None:
    last = ended if isinstance(ended, Job) else job
    if as_json:
        print_json({**last.model_dump(), **({"array": ended.model_dump()} if isinstance(ended, ArrayInfo) else {})})
    elif job.array_uid:
        out.print(f"阵列 {job.array_uid} 已提交：huisuan job list --array {job.array_uid}", markup=False)
        if isinstance(ended, ArrayInfo):
            out.print(_counted(ended), markup=False)
    else:
        print_job(last)
    done = ended.states.keys() == {"done"} if isinstance(ended, ArrayInfo) else last.state == "done"
    if ended is not None and not done:
        raise typer.Exit(1)


def _counted(array: ArrayInfo) -> str:
    return "、".join(f"{STATES[state]} {count}" for state, count in array.states.items())
