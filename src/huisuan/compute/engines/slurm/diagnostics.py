"""What a centre's operator could have got wrong, checked one by one, each with its remedy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import Ability, CheckResult, EngineError
from huisuan.compute.engines.slurm.cluster import spelt
from huisuan.compute.engines.slurm.rest_client import token_expiry
from huisuan.compute.engines.slurm.session import COMMANDS, SlurmSession

_SHARED = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cephfs", "glusterfs", "fuse.glusterfs", "orangefs",
          "wekafs", "panfs", "9p", "fuse.juicefs", "dpc")  # fmt: skip
_SKEW_SECONDS = 5
TOKEN_SECONDS = 600


def abilities(session: SlurmSession) -> Mapping[str, Ability]:
    """What the engine can do, and why (not)."""
    return {
        "gang": Ability(True, "Slurm 一次分配全部节点；命令由 srun 在每个节点各启动一份，脚本只在首个节点运行"),
        "containers": Ability(False, "不代启镜像；请在脚本里用 apptainer 等，或改到 Kubernetes 中心"),
        "workdir": Ability(True, "工作目录放在代理与计算节点共享的文件系统上"),
        "live_logs": Ability(True, "输出文件在共享文件系统上，随写随读"),
        "accounting": _accounting(session),
        "lease": Ability(True, "作业拿到卡后先等平台放行；租约到期仍未放行就退出，从未开始"),
        "suspend": Ability(True, "中心可用 scontrol suspend 暂停作业；暂停的时间不计"),
        "sessions": _sessions(session),
        "outputs": Ability(True, "工作目录在共享文件系统上，代理看得到"),
    }


def _sessions(session: SlurmSession) -> Ability:
    if session.missing_commands(("srun",)):
        return Ability(False, "代理所在的机器上没有 srun，到不了计算节点上的会话")
    return Ability(True, "代理用 srun --overlap 在会话所在的节点上搭桥，节点不开任何端口")


def _accounting(session: SlurmSession) -> Ability:
    try:
        _answers(session)
        tracked = _tracked(session)
    except EngineError as error:
        return Ability(False, shortened(f"{error}；没有记账就不能计量，作业不会提交", 300))
    return Ability(not tracked, tracked or "用量取自 sacct 的 AllocTRES")


def slurm_checks(session: SlurmSession, unmetered: Mapping[str, str]) -> list[CheckResult]:
    """Each check with its outcome; what went wrong, in Slurm's own words, and the remedy.

    `unmetered`: runs whose cards the accounting does not name, and why.
    """
    found = [_finding(name, check, session) for name, check in _checks(session)]
    why = "；".join(f"{name}：{why}" for name, why in sorted(unmetered.items())[:5])
    return [*found, ("用量都能计量", not why, why)]


def _finding(name: str, check: Callable[[SlurmSession], str], session: SlurmSession) -> CheckResult:
    try:
        wrong = check(session)
    except (EngineError, ValueError, OSError) as error:
        wrong = str(error)
    return name, not wrong, wrong


def _checks(session: SlurmSession) -> Iterator[tuple[str, Callable[[SlurmSession], str]]]:
    """Each check says what is wrong, "" for nothing."""
    yield "Slurm 命令", _commands
    if session.rest:
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


def _commands(session: SlurmSession) -> str:
    missing = session.missing_commands((*COMMANDS, "sacct"))
    if session.rest:  # it speaks for them; the accounting is asked by sacct all the same
        missing = [name for name in missing if name == "sacct"]
    return f"找不到 {'、'.join(missing)}；请装 Slurm 客户端，或用引擎选项 bin 指明目录" if missing else ""


def _rest(session: SlurmSession) -> str:
    assert session.rest is not None
    ends = token_expiry(session.rest.token.value())
    session.rest.ping()
    left = None if ends is None else ends - int(time.time())
    if left is not None and left < TOKEN_SECONDS and not session.options.jwt_command:
        return f"令牌只剩 {max(left, 0)} 秒；请更新 jwt_file，或改用 jwt_command（如 scontrol token lifespan=3600）"
    return ""


def _controller(session: SlurmSession) -> str:
    return "" if session.speaker().partitions() else "集群没有分区；请核对 slurm.conf"


def _answers(session: SlurmSession) -> str:
    session.accounting.of_names(["huisuan-doctor"], int(time.time()) - 60)
    return ""


def _genuine(session: SlurmSession) -> str:
    """A stand-in (some sites have one so that scripts do not fail) answers whatever it is asked."""
    versions = [session.commands.say(name, "--version").strip() for name in ("squeue", "sacct")]
    if versions[0] != versions[1] or not versions[1].startswith("slurm"):
        return f"sacct 自称 {versions[1]!r}，squeue 自称 {versions[0]!r}：应是同一版 Slurm；请核对 PATH 或引擎选项 bin"
    try:
        session.commands.say("sacct", "--format=NoSuchFieldOfSlurm")
    except EngineError:
        return ""
    return "sacct 接受了不存在的字段：它不是 Slurm 的 sacct，不能据以计量；请核对 PATH 或引擎选项 bin"


def _tracked(session: SlurmSession) -> str:
    if session.missing_commands(("scontrol",)):
        return ""  # nobody here tells; usage that lacks its cards is refused all the same
    session.cluster.capacity()
    missing = sorted({f"gres/{kind[0]}" for kind in session.cluster.kinds() if not session.cluster.tracks(kind)})
    if not missing:
        return ""
    return f"slurm.conf 的 AccountingStorageTRES 不含 {'、'.join(missing)}，sacct 不记加速卡；请加上并重启 slurmctld"


def _typed(session: SlurmSession) -> str:
    session.cluster.capacity()
    bare = sorted({spelt(kind) for kind in session.cluster.kinds() if not kind[1]})
    return (
        f"节点的 Gres 没有写型号：{'、'.join(bare)}；请写成 gpu:a100:8 这样，否则只能按分区登记的型号计量"
        if bare
        else ""
    )


def _offered(session: SlurmSession) -> str:
    known = {partition.name for partition in session.speaker().partitions()}
    if unknown := sorted(set(session.options.partitions.values()) - known):
        return f"引擎选项 partitions 里的 {'、'.join(unknown)} 不是 Slurm 的分区；有：{'、'.join(sorted(known))}"
    offered = session.cluster.offered()
    if not offered:
        return "提供的分区里没有带加速卡的节点；请核对引擎选项 partitions 与 slurm.conf 的 Gres"
    down = [partition.name for partition in offered if not partition.up]
    return f"分区 {'、'.join(down)} 停用，作业不会开始；scontrol update PartitionName=… State=UP" if down else ""


def _may_submit(session: SlurmSession) -> str:
    """Asks for one card of each offered partition without taking it."""
    if session.missing_commands(("sbatch",)):
        return ""  # slurmrestd has no such question
    session.cluster.capacity()
    given = {"account": session.options.account, "qos": session.options.qos}
    words = [f"--{name}={value}" for name, value in given.items() if value]
    if session.person.other:
        words += [f"--uid={session.person.uid}", f"--gid={session.person.gid}"]
    for partition in session.cluster.offered():
        kind = session.cluster.kinds(partition.name)[0]
        wanted = (f"--partition={partition.name}", f"--gres={spelt(kind)}:1", "--time=1")
        try:
            session.commands.say("sbatch", "--test-only", *words, *wanted, "--wrap=true")
        except EngineError as error:
            return f"分区 {partition.name}：{error}；请核对引擎选项 account、qos、user 与 sacctmgr 中的关联"
    return ""


def _clock(session: SlurmSession) -> str:
    before = time.time()
    theirs = session.speaker().clock()
    off = theirs - (before + time.time()) / 2
    if abs(off) <= _SKEW_SECONDS:
        return ""
    if off > 0:
        return f"控制器的时钟比本机快 {round(off)} 秒；请让两边（和计算节点）用同一个 NTP 服务"
    return f"控制器的时钟比本机慢 {round(-off)} 秒；请让两边（和计算节点）用同一个 NTP 服务"


def _folder(session: SlurmSession) -> str:
    """The nodes have to see it where the agent does. Where they are this very machine, they do."""
    session.cluster.capacity()
    away = {node.host for node in session.cluster.nodes() if node.cards} - {
        os.uname().nodename.split(".")[0],
        "localhost",
    }
    kind = _file_system(session.folder)
    if away and kind not in _SHARED:
        return f"{session.folder} 在 {kind or '未知的'} 文件系统上，不像是与计算节点共享的；请用 --home 指到共享目录"
    if session.person.other:
        closed = [str(place) for place in (session.folder, *session.folder.parents) if not place.stat().st_mode & 0o001]
        if closed:
            return f"用户 {session.person.name} 进不了 {'、'.join(closed)}；请 chmod o+x"
    return ""


def _file_system(folder: Path) -> str:
    """The kind of the file system that holds a folder: the longest place of a mount that leads to it."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, found, *_ = line.split(" ")
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind
