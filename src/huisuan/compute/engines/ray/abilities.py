"""What the Ray engine can do for the platform, with and without a file system that its nodes share."""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.compute.engines.interface import Ability


def ray_abilities(shared: bool) -> Mapping[str, Ability]:
    """What Ray can do, and why (not); `shared`: the nodes see the agent's folder."""
    gang = "Ray Jobs 只为入口进程占卡；程序自己跨节点申请的卡不在作业记录里，无法计量"
    gate = "启动程序在闸门前等候" if shared else "没有共享文件系统（shared=no），节点看不到闸门"
    accounting = "Ray 的记录在 head 重启后就没有了，且只有提交时间；计量用启动程序自己的起止记录"
    kept = accounting if shared else f"{accounting}，它随作业输出由 Ray 保存，须在 head 重启前取走"
    return {
        "gang": Ability(False, gang),
        "containers": Ability(False, "入口进程直接在 Ray 节点上运行，不启动容器"),
        "workdir": Ability(True, "共享文件系统上的目录" if shared else "随作业打包上传，至多 100 MiB"),
        "live_logs": Ability(True, "输出文件" if shared else "经 Ray 的日志接口，每次从头读过"),
        "accounting": Ability(True, kept),
        "lease": Ability(shared, gate),
        "outputs": Ability(shared, "工作目录代理看得到" if shared else "没有共享文件系统（shared=no），代理取不到"),
        "suspend": Ability(False, "Ray 不挂起作业，挂起时间总为零"),
    }
