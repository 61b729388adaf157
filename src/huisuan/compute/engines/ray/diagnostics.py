"""What `huisuan agent doctor` asks of a Ray cluster: what an operator could have got wrong, and how to mend it."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from huisuan.compute.engines.interface import CheckResult, EngineError
from huisuan.compute.engines.ray.api_client import RayApi
from huisuan.compute.engines.ray.config import RaySite
from huisuan.compute.engines.ray.status import ray_nodes

TRIAL_SECONDS = 60
TRIAL = "import os, sys; sys.exit(0 if sys.version_info >= (3, 10) else 3)"


def ray_checks(ray: RayApi, site: RaySite, folder: Path) -> list[CheckResult]:
    """Everything that is checked, each with whether it is well and, where not, what to do."""
    found: list[CheckResult] = []
    try:
        for finding in _findings(ray, site, folder):
            found.append(finding)
    except EngineError as error:
        found.append(("Ray", False, str(error)))
    return found


def _findings(ray: RayApi, site: RaySite, folder: Path) -> Iterator[CheckResult]:
    yield f"Ray {ray.version()}（{site.address}）", True, ""
    used = ray.used()
    nodes = ray_nodes(ray.nodes(), used, [], site.cards, site.partition)
    found = "、".join(f"{node.name} {node.local_card} {node.cards} 张" for node in nodes[:20])
    remedy = "没有节点报告加速卡；请用 ray start --num-gpus 或 --resources 声明，或设引擎选项 cards"
    yield f"加速卡 {found}".strip(), bool(nodes), "" if nodes else remedy
    remedy = "这个 Ray 不报告占用（第二代自动伸缩器）：平台只看得到自己的作业占的卡，请不要让别人也用这些卡"
    yield "各节点占用", used is not None, "" if used is not None else remedy
    yield _trial(ray, site, folder)


def _trial(ray: RayApi, site: RaySite, folder: Path) -> CheckResult:
    """Run a job of nothing: whether jobs start at all, with a Python that will do, and see the agent's folder."""
    name, there = f"huisuan-doctor-{secrets.token_hex(6)}", folder / f".doctor-{secrets.token_hex(6)}"
    line = shlex.join([site.python, "-c", TRIAL])
    what = f"试运行（{site.python}）"
    if site.shared:
        there.touch()
        line = f"test -w {shlex.quote(str(there))} || exit 4; {line}"
        what = f"试运行（{site.python}，节点看得到 {folder}）"
    try:
        ray.submit({"submission_id": name, "entrypoint": line})
        code = _exit_code(ray, name)
        ray.delete(name)
    finally:
        there.unlink(missing_ok=True)
    return (
        what,
        code == 0,
        MENDS.get(code, f"试运行以 {code} 退出；请看 Ray dashboard 里 {name} 的输出") if code else "",
    )


MENDS = {
    None: f"{TRIAL_SECONDS} 秒内没有运行完；请看 ray status 与 dashboard",
    3: "Ray 节点上的 Python 早于 3.10；请设引擎选项 python 指向较新的",
    4: "Ray 节点看不到或写不了代理的文件夹；请把它放在共享文件系统上并由同一用户运行，或设 shared=no",
    127: "Ray 节点上没有这个程序；请设引擎选项 python",
}


def _exit_code(ray: RayApi, name: str) -> int | None:
    deadline = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < deadline:
        job = ray.job(name)
        if job is not None and job["status"] not in ("PENDING", "RUNNING"):
            code = job.get("driver_exit_code")
            return -1 if code is None else int(code)
        time.sleep(0.5)
    ray.stop(name)
    return None
