"""What a centre's operator says of its Slurm; the meaning of each option is in docs/for-centres.md."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field

from huisuan.compute.engines.common.spec_checks import check_options

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_OPTIONS = {
    "conf": "slurm.conf 的路径",
    "bin": "Slurm 命令所在的目录",
    "user": "作业以哪个系统用户运行",
    "account": "Slurm 账户",
    "qos": "Slurm QOS",
    "partitions": "提供哪些分区，平台名=Slurm 名，逗号分隔",
    "cpus_per_card": "每张卡配的处理器数",
    "memory_mib_per_card": "每张卡配的内存，MiB",
    "patience_seconds": "一次询问至多等多少秒",
    "rest_url": "slurmrestd 的网址",
    "jwt_file": "存放令牌的文件",
    "jwt_command": "打印令牌的命令",
}


@dataclass(frozen=True)
class UnixUser:
    """The Unix user that the jobs run as; `other` than the agent, who then is root."""

    name: str
    uid: int
    gid: int
    home: str
    other: bool = False


@dataclass(frozen=True)
class Options:
    """The engine's options. `partitions`: the platform's name of a partition -> Slurm's; empty: all, under their names.

    `bin` is the folder of Slurm's commands, `conf` its slurm.conf, where they are not in their usual place.
    `patience_seconds`: how long one question may take. `jwt_file` or `jwt_command` (a command line, run without a
    shell) gives the token for `rest_url`; a token is read when it is needed and never written anywhere.
    """

    conf: str = ""
    bin: str = ""
    user: str = ""
    account: str = ""
    qos: str = ""
    partitions: Mapping[str, str] = field(default_factory=dict)
    cpus_per_card: int = 0
    memory_mib_per_card: int = 0
    patience_seconds: int = 60
    rest_url: str = ""
    jwt_file: str = ""
    jwt_command: str = ""

    @property
    def path(self) -> str:
        """Where commands are looked for."""
        usual = os.environ.get("PATH", DEFAULT_PATH)
        return f"{self.bin}:{usual}" if self.bin else usual

    def in_slurm(self, partition: str) -> str:
        """Slurm's name of a partition of the platform's."""
        return self.partitions.get(partition, partition)

    def on_platform(self, partition: str) -> tuple[str, ...]:
        """The platform's names of a partition of Slurm's; none for one that is not offered."""
        if not self.partitions:
            return (partition,)
        return tuple(ours for ours, theirs in self.partitions.items() if theirs == partition)

    def person(self) -> UnixUser:
        """Who the jobs run as.

        Raises:
            ValueError: there is no such user, or only root could be them.
        """
        myself = os.geteuid()
        try:
            found = pwd.getpwnam(self.user) if self.user else pwd.getpwuid(myself)
        except KeyError:
            raise ValueError(f"本机没有用户 {self.user or myself}；请改引擎选项 user，或先建立该用户") from None
        if myself not in (found.pw_uid, 0):
            raise ValueError(
                f"引擎选项 user={self.user}：只有以 root 运行的代理才能以别的用户提交；请去掉它或以 root 运行"
            )
        return UnixUser(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir, found.pw_uid != myself)


def parse_options(given: Mapping[str, str]) -> Options:
    """The options as an operator writes them.

    Raises:
        ValueError: an unknown one, or a value that cannot be; says which and what would be right.
    """
    check_options("Slurm", given, _OPTIONS)
    values: dict[str, object] = dict(given)
    for name in ("cpus_per_card", "memory_mib_per_card", "patience_seconds"):
        if name in given:
            values[name] = _whole(name, given[name])
    if "partitions" in given:
        values["partitions"] = _pairs(given["partitions"])
    found = Options(**values)  # type: ignore[arg-type]
    if found.rest_url and not (found.jwt_file or found.jwt_command):
        raise ValueError("设了 rest_url 就要有令牌：请再设 jwt_file（存放令牌的文件）或 jwt_command（打印令牌的命令）")
    if found.rest_url and not found.rest_url.startswith(("http://", "https://")):
        raise ValueError(f"rest_url={found.rest_url} 不是网址；应如 http://127.0.0.1:6820")
    return found


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"引擎选项 {name}={text} 不是非负整数")
    return int(text)


def _pairs(text: str) -> dict[str, str]:
    """`gpu=a100,npu` as {"gpu": "a100", "npu": "npu"}."""
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {ours.strip(): (theirs if equals else ours).strip() for ours, equals, theirs in pairs}
