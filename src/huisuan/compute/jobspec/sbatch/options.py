"""Every option of sbatch, and what becomes of it: carried over, noted as left out, or refused.

The names are those of `sbatch --help` of Slurm 22.05 and the manual's of later versions; a test holds the table against
the sbatch of the machine where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What becomes of an option."""

    CARRIED = "carried"  # it becomes part of the request
    NOTED = "noted"  # the job runs without it; its owner is told
    REFUSED = "refused"  # without it the job would do something else


class Takes(Enum):
    """What follows an option."""

    VALUE = "value"
    NOTHING = "nothing"
    MAYBE = "maybe"  # a value after =, or nothing


@dataclass(frozen=True)
class Option:
    """An option with its short form; the job's owner reads `why`."""

    name: str
    short: str = ""
    takes: Takes = Takes.VALUE
    fate: Fate = Fate.NOTED
    why: str = ""


_BY_CARDS = "处理器与内存由中心按卡配给"
_BY_CENTRE = "由中心自己决定"
OF_SBATCH = "只影响 sbatch 命令自己"
TO_PLATFORM = "输出都收到平台：huisuan job logs 作业号"
NOTICE = "请用 --notify 网址"
_NODES = "节点由中心的调度器选"

NOTED_OPTIONS: dict[str, tuple[str, str, Takes]] = {
    "account": ("A", "账户由中心按使用方对应", Takes.VALUE),
    "acctg-freq": ("", _BY_CENTRE, Takes.VALUE),
    "batch": ("", _NODES, Takes.VALUE),
    "bb": ("", "平台没有突发缓冲区", Takes.VALUE),
    "bbf": ("", "平台没有突发缓冲区", Takes.VALUE),
    "chdir": ("D", "作业在上传的工作目录中开始：请用 --workdir 目录", Takes.VALUE),
    "cluster-constraint": ("", "要指定中心请用 --centre", Takes.VALUE),
    "clusters": ("M", "要指定中心请用 --centre", Takes.VALUE),
    "comment": ("", "平台不保存备注", Takes.VALUE),
    "constraint": ("C", "平台不认识各中心的节点特征；要限定型号请用 --models", Takes.VALUE),
    "contiguous": ("", _NODES, Takes.NOTHING),
    "core-spec": ("S", _BY_CARDS, Takes.VALUE),
    "cores-per-socket": ("", _BY_CARDS, Takes.VALUE),
    "cpu-freq": ("", _BY_CARDS, Takes.VALUE),
    "cpus-per-gpu": ("", _BY_CARDS, Takes.VALUE),
    "cpus-per-task": ("c", _BY_CARDS, Takes.VALUE),
    "delay-boot": ("", _BY_CENTRE, Takes.VALUE),
    "distribution": ("m", "进程分布请写在脚本里的 srun 上", Takes.VALUE),
    "error": ("e", TO_PLATFORM, Takes.VALUE),
    "exclude": ("x", _NODES, Takes.VALUE),
    "exclusive": ("", "平台按卡分配；要占满节点请写满每节点的卡数", Takes.MAYBE),
    "extra": ("", _BY_CENTRE, Takes.VALUE),
    "extra-node-info": ("B", _BY_CARDS, Takes.VALUE),
    "get-user-env": ("", "作业不读提交者的登录环境", Takes.MAYBE),
    "gid": ("", "作业以中心为平台设的用户运行", Takes.VALUE),
    "gpu-bind": ("", "卡的绑定请写在脚本里的 srun 上", Takes.VALUE),
    "gpu-freq": ("", _BY_CENTRE, Takes.VALUE),
    "gres-flags": ("", _BY_CENTRE, Takes.VALUE),
    "hint": ("", _BY_CARDS, Takes.VALUE),
    "ignore-pbs": ("", OF_SBATCH, Takes.NOTHING),
    "kill-on-invalid-dep": ("", "前一个作业没有完成时，平台总是取消后面的", Takes.VALUE),
    "licenses": ("L", "平台不管理软件许可", Takes.VALUE),
    "mail-type": ("", NOTICE, Takes.VALUE),
    "mail-user": ("", NOTICE, Takes.VALUE),
    "mcs-label": ("", _BY_CENTRE, Takes.VALUE),
    "mem": ("", _BY_CARDS, Takes.VALUE),
    "mem-bind": ("", _BY_CARDS, Takes.VALUE),
    "mem-per-cpu": ("", _BY_CARDS, Takes.VALUE),
    "mem-per-gpu": ("", _BY_CARDS, Takes.VALUE),
    "mincpus": ("", _BY_CARDS, Takes.VALUE),
    "network": ("", _BY_CENTRE, Takes.VALUE),
    "nice": ("", "先后由平台的公平份额决定", Takes.MAYBE),
    "no-kill": ("k", "节点失效时作业失败；要再试请用 --retries", Takes.MAYBE),
    "no-requeue": ("", "要不要再试由 --retries 决定", Takes.NOTHING),
    "nodefile": ("F", _NODES, Takes.VALUE),
    "nodelist": ("w", _NODES, Takes.VALUE),
    "ntasks-per-core": ("", _BY_CARDS, Takes.VALUE),
    "ntasks-per-gpu": ("", "进程数请写在脚本里的 srun 上", Takes.VALUE),
    "ntasks-per-socket": ("", _BY_CARDS, Takes.VALUE),
    "open-mode": ("", TO_PLATFORM, Takes.VALUE),
    "output": ("o", TO_PLATFORM, Takes.VALUE),
    "overcommit": ("O", _BY_CARDS, Takes.NOTHING),
    "oversubscribe": ("s", "平台的卡不与别的作业共用", Takes.MAYBE),
    "parsable": ("", OF_SBATCH, Takes.NOTHING),
    "partition": ("p", "分区由平台选；要指定中心请用 --centre，要限定型号请用 --models", Takes.VALUE),
    "power": ("", _BY_CENTRE, Takes.VALUE),
    "prefer": ("", "平台不认识各中心的节点特征", Takes.VALUE),
    "priority": ("", "先后由平台的公平份额决定", Takes.VALUE),
    "profile": ("", _BY_CENTRE, Takes.VALUE),
    "propagate": ("", _BY_CENTRE, Takes.MAYBE),
    "qos": ("q", "服务质量由中心按使用方对应", Takes.VALUE),
    "quiet": ("Q", OF_SBATCH, Takes.NOTHING),
    "reboot": ("", _BY_CENTRE, Takes.NOTHING),
    "requeue": ("", "要不要再试由 --retries 决定", Takes.NOTHING),
    "reservation": ("", "平台不用中心的预留", Takes.VALUE),
    "resv-ports": ("", _BY_CENTRE, Takes.MAYBE),
    "segment": ("", _NODES, Takes.VALUE),
    "signal": ("", "平台在取消和超时时发 SIGTERM，稍后发 SIGKILL", Takes.VALUE),
    "sockets-per-node": ("", _BY_CARDS, Takes.VALUE),
    "spread-job": ("", _NODES, Takes.NOTHING),
    "stepmgr": ("", _BY_CENTRE, Takes.NOTHING),
    "switches": ("", _NODES, Takes.VALUE),
    "thread-spec": ("", _BY_CARDS, Takes.VALUE),
    "threads-per-core": ("", _BY_CARDS, Takes.VALUE),
    "time-min": ("", "时限就是 --time 所写的", Takes.VALUE),
    "tmp": ("", _BY_CARDS, Takes.VALUE),
    "tres-bind": ("", _BY_CENTRE, Takes.VALUE),
    "uid": ("", "作业以中心为平台设的用户运行", Takes.VALUE),
    "use-min-nodes": ("", _NODES, Takes.NOTHING),
    "verbose": ("v", OF_SBATCH, Takes.NOTHING),
    "wait": ("W", "请用 huisuan job submit --wait", Takes.NOTHING),
    "wait-all-nodes": ("", "各节点同时开始", Takes.VALUE),
    "wckey": ("", _BY_CENTRE, Takes.VALUE),
    "x11": ("", "作业没有图形界面", Takes.MAYBE),
}
REFUSED_OPTIONS: dict[str, tuple[str, str, Takes]] = {
    "begin": ("b", "平台没有“不早于”：请到时再提交，或用 --after 排在别的作业之后", Takes.VALUE),
    "container": ("", "平台不运行 OCI 包：请用 --image 镜像", Takes.VALUE),
    "container-id": ("", "平台不运行 OCI 包：请用 --image 镜像", Takes.VALUE),
    "export-file": ("", "平台读不到那个文件：请用 --env 名=值", Takes.VALUE),
    "gpus-per-socket": ("", "平台不知道每节点有几个插槽：请改写成 --gpus-per-node", Takes.VALUE),
    "help": ("h", "只能写在命令行上", Takes.NOTHING),
    "hold": ("H", "平台没有“挂起”：请到要运行时再提交", Takes.NOTHING),
    "input": ("i", "平台读不到那个文件：请在脚本里用 < 读工作目录中的文件", Takes.VALUE),
    "test-only": ("", "只能写在命令行上", Takes.NOTHING),
    "usage": ("", "只能写在命令行上", Takes.NOTHING),
    "version": ("V", "只能写在命令行上", Takes.NOTHING),
    "wrap": ("", "有脚本时不能再写 --wrap", Takes.VALUE),
}
CARRIED: dict[str, tuple[str, Takes]] = {
    "array": ("a", Takes.VALUE),
    "deadline": ("", Takes.VALUE),
    "dependency": ("d", Takes.VALUE),
    "export": ("", Takes.MAYBE),
    "gpus": ("G", Takes.VALUE),
    "gpus-per-node": ("", Takes.VALUE),
    "gpus-per-task": ("", Takes.VALUE),
    "gres": ("", Takes.VALUE),
    "job-name": ("J", Takes.VALUE),
    "nodes": ("N", Takes.VALUE),
    "ntasks": ("n", Takes.VALUE),
    "ntasks-per-node": ("", Takes.VALUE),
    "time": ("t", Takes.VALUE),
    "tres-per-task": ("", Takes.VALUE),
}
ALIASES = {"tasks-per-node": "ntasks-per-node", "workdir": "chdir", "share": "oversubscribe", "licences": "licenses"}

OPTIONS: dict[str, Option] = {
    **{name: Option(name, short, takes, Fate.NOTED, why) for name, (short, why, takes) in NOTED_OPTIONS.items()},
    **{name: Option(name, short, takes, Fate.REFUSED, why) for name, (short, why, takes) in REFUSED_OPTIONS.items()},
    **{name: Option(name, short, takes, Fate.CARRIED) for name, (short, takes) in CARRIED.items()},
}
BY_SHORT = {option.short: option for option in OPTIONS.values() if option.short}


def matching_options(name: str) -> list[Option]:
    """The options that a long name means: the one it is, or all that it may shorten, as getopt reads it."""
    name = ALIASES.get(name, name)
    if name in OPTIONS:
        return [OPTIONS[name]]
    return [option for key, option in OPTIONS.items() if name and key.startswith(name)]
