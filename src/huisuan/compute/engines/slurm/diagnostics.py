"""What a centre's operator could have got wrong, checked one by one, each with how to mend it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from huisuan.compute.engines.interface import Ability, EngineError
from huisuan.compute.engines.slurm.cluster import spelt
from huisuan.compute.engines.slurm.config import Options
from huisuan.compute.engines.slurm.rest_client import ends_at

if TYPE_CHECKING:
    from huisuan.compute.engines.slurm.engine import SlurmEngine

SPEAKING = ("sbatch", "squeue", "scancel", "scontrol", "sdiag")
SHARED = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cephfs", "glusterfs", "fuse.glusterfs", "orangefs",
          "wekafs", "panfs", "9p", "fuse.juicefs", "dpc")  # fmt: skip
SKEW_SECONDS = 5
TOKEN_SECONDS = 600
Finding = tuple[str, bool, str]


def has_commands(options: Options) -> bool:
    """Whether Slurm's commands are on this machine."""
    return not missing(options, SPEAKING)


def missing(options: Options, names: Sequence[str]) -> list[str]:
    """Which commands are not on this machine."""
    return [name for name in names if shutil.which(name, path=options.path) is None]


def abilities(engine: SlurmEngine) -> Mapping[str, Ability]:
    """What the engine can do, and why (not)."""
    return {
        "gang": Ability(True, "Slurm 一次分配全部节点；命令由 srun 在每个节点各启动一份，脚本只在首个节点运行"),
        "containers": Ability(False, "不代启镜像；请在脚本里用 apptainer 等，或改到 Kubernetes 中心"),
        "workdir": Ability(True, "工作目录放在代理与计算节点共享的文件系统上"),
        "live_logs": Ability(True, "输出文件在共享文件系统上，随写随读"),
        "accounting": _accounting(engine),
        "lease": Ability(True, "作业拿到卡后先等平台放行；租约到期仍未放行就退出，从未开始"),
        "suspend": Ability(True, "中心可用 scontrol suspend 暂停作业；暂停的时间不计"),
    }


def _accounting(engine: SlurmEngine) -> Ability:
    try:
        _answers(engine)
        tracked = _tracked(engine)
    except EngineError as error:
        return Ability(False, f"{error}；没有记账就不能计量，作业不会提交"[:300])
    return Ability(not tracked, tracked or "用量取自 sacct 的 AllocTRES")


def diagnose(engine: SlurmEngine) -> list[Finding]:
    """Each check with its outcome; what went wrong, in Slurm's own words, and the remedy."""
    return [_finding(name, check, engine) for name, check in _checks(engine)]


def _finding(name: str, check: Callable[[SlurmEngine], str], engine: SlurmEngine) -> Finding:
    try:
        wrong = check(engine)
    except (EngineError, ValueError, OSError) as error:
        wrong = str(error)
    return name, not wrong, wrong


def _checks(engine: SlurmEngine) -> Iterator[tuple[str, Callable[[SlurmEngine], str]]]:
    """Each check says what is wrong, "" for nothing."""
    yield "Slurm 命令", _commands
    if engine.rest:
        yield "slurmrestd 与令牌", _rest
    yield "控制器 slurmctld", _controller
    yield "记账 slurmdbd", _answers
    yield "sacct 是真的", _genuine
    yield "记账包含加速卡", _tracked
    yield "加速卡带型号", _typed
    yield "提供的分区", _offered
    yield "可以提交", _may_submit
    yield "时钟", _clock
    yield "作业目录", _folder
    yield "用量都能计量", _metered


def _commands(engine: SlurmEngine) -> str:
    lacking = missing(engine.options, (*SPEAKING, "sacct"))
    if engine.rest:  # it speaks for them; the accounting is asked by sacct all the same
        lacking = [name for name in lacking if name == "sacct"]
    return f"找不到 {'、'.join(lacking)}；请装 Slurm 客户端，或用引擎选项 bin 指明目录" if lacking else ""


def _rest(engine: SlurmEngine) -> str:
    assert engine.rest is not None
    ends = ends_at(engine.rest.token.value())
    engine.rest.ping()
    left = None if ends is None else ends - int(time.time())
    if left is not None and left < TOKEN_SECONDS and not engine.options.jwt_command:
        return f"令牌只剩 {max(left, 0)} 秒；请更新 jwt_file，或改用 jwt_command（如 scontrol token lifespan=3600）"
    return ""


def _controller(engine: SlurmEngine) -> str:
    return "" if engine.speaker().partitions() else "集群没有分区；请核对 slurm.conf"


def _answers(engine: SlurmEngine) -> str:
    engine.accounting.of_names(["huisuan-doctor"], int(time.time()) - 60)
    return ""


def _genuine(engine: SlurmEngine) -> str:
    """A stand-in (some sites have one so that scripts do not fail) answers whatever it is asked."""
    said = [engine.commands.say(name, "--version").strip() for name in ("squeue", "sacct")]
    if said[0] != said[1] or not said[1].startswith("slurm"):
        return f"sacct 自称 {said[1]!r}，squeue 自称 {said[0]!r}：应是同一版 Slurm；请核对 PATH 或引擎选项 bin"
    try:
        engine.commands.say("sacct", "--format=NoSuchFieldOfSlurm")
    except EngineError:
        return ""
    return "sacct 接受了不存在的字段：它不是 Slurm 的 sacct，不能据以计量；请核对 PATH 或引擎选项 bin"


def _tracked(engine: SlurmEngine) -> str:
    if missing(engine.options, ("scontrol",)):
        return ""  # nobody here tells; usage that lacks its cards is refused all the same
    engine.capacity()
    lacking = sorted({f"gres/{kind[0]}" for kind in engine.cluster.kinds() if not engine.cluster.tracks(kind)})
    if not lacking:
        return ""
    return f"slurm.conf 的 AccountingStorageTRES 不含 {'、'.join(lacking)}，sacct 不记加速卡；请加上并重启 slurmctld"


def _typed(engine: SlurmEngine) -> str:
    engine.capacity()
    bare = sorted({spelt(kind) for kind in engine.cluster.kinds() if not kind[1]})
    return (
        f"节点的 Gres 没有写型号：{'、'.join(bare)}；请写成 gpu:a100:8 这样，否则只能按分区登记的型号计量"
        if bare
        else ""
    )


def _offered(engine: SlurmEngine) -> str:
    known = {one.name for one in engine.speaker().partitions()}
    if unknown := sorted(set(engine.options.partitions.values()) - known):
        return f"引擎选项 partitions 里的 {'、'.join(unknown)} 不是 Slurm 的分区；有：{'、'.join(sorted(known))}"
    offered = engine.cluster.offered()
    if not offered:
        return "提供的分区里没有带加速卡的节点；请核对引擎选项 partitions 与 slurm.conf 的 Gres"
    down = [one.name for one in offered if not one.up]
    return f"分区 {'、'.join(down)} 停用，作业不会开始；scontrol update PartitionName=… State=UP" if down else ""


def _may_submit(engine: SlurmEngine) -> str:
    """Asks for one card of each offered partition without taking it."""
    if missing(engine.options, ("sbatch",)):
        return ""  # slurmrestd has no such question
    engine.capacity()
    given = {"account": engine.options.account, "qos": engine.options.qos}
    words = [f"--{name}={value}" for name, value in given.items() if value]
    if engine.person.other:
        words += [f"--uid={engine.person.uid}", f"--gid={engine.person.gid}"]
    for partition in engine.cluster.offered():
        kind = engine.cluster.kinds(partition.name)[0]
        wanted = (f"--partition={partition.name}", f"--gres={spelt(kind)}:1", "--time=1")
        try:
            engine.commands.say("sbatch", "--test-only", *words, *wanted, "--wrap=true")
        except EngineError as error:
            return f"分区 {partition.name}：{error}；请核对引擎选项 account、qos、user 与 sacctmgr 中的关联"
    return ""


def _clock(engine: SlurmEngine) -> str:
    before = time.time()
    theirs = engine.speaker().clock()
    off = theirs - (before + time.time()) / 2
    if abs(off) <= SKEW_SECONDS:
        return ""
    return (
        f"控制器的时钟比本机{'快' if off > 0 else '慢'} {abs(round(off))} 秒；请让两边（和计算节点）用同一个 NTP 服务"
    )


def _folder(engine: SlurmEngine) -> str:
    """The nodes have to see it where the agent does. Where they are this very machine, they do."""
    engine.capacity()
    away = {node.host for node in engine.cluster.nodes() if node.cards} - {
        os.uname().nodename.split(".")[0],
        "localhost",
    }
    kind = _file_system(engine.folder)
    if away and kind not in SHARED:
        return f"{engine.folder} 在 {kind or '未知的'} 文件系统上，不像是与计算节点共享的；请用 --home 指到共享目录"
    if engine.person.other:
        closed = [str(place) for place in (engine.folder, *engine.folder.parents) if not place.stat().st_mode & 0o001]
        if closed:
            return f"用户 {engine.person.name} 进不了 {'、'.join(closed)}；请 chmod o+x"
    return ""


def _file_system(folder: Path) -> str:
    """The kind of the file system that holds a folder: the longest place of a mount that leads to it."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, found, *_ = line.split(" ")
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def _metered(engine: SlurmEngine) -> str:
    return "；".join(f"{name}：{why}" for name, why in sorted(engine.unmetered.items())[:5])
