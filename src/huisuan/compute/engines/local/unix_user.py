"""Under which user of the system a run of the local engine goes, where the agent runs as root.

HUISUAN_JOB_UIDS=200000-265535 gives every run a number of its own, of no account, that no other run's folder has: no
job can read, signal or trace another. HUISUAN_JOB_USER names one account for all of them: jobs are kept from the
platform's files then, and not from each other.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

from huisuan.compute.engines.interface import CheckResult

RANGE, ACCOUNT = "HUISUAN_JOB_UIDS", "HUISUAN_JOB_USER"
LEAST, MOST = 1000, 2**31 - 1


def identity_for(folder: Path) -> str | int | None:
    """Whom the next run under `folder` runs as: a number of its own, an account, or None for the agent's own user.

    Raises:
        ValueError: the range is not one, or all of it is in use.
    """
    numbers = own_numbers()
    if numbers is None:
        return os.environ.get(ACCOUNT) or None
    if os.geteuid() != 0:
        raise ValueError(f"{RANGE} 需要以 root 运行站点代理")
    taken = {place.stat().st_gid for place in folder.iterdir() if place.is_dir()}
    free = next((number for number in numbers if number not in taken), None)
    if free is None:
        raise ValueError(f"{RANGE} 的 {len(numbers)} 个编号都在用：请放宽范围")
    return free


def own_numbers() -> range | None:
    """The numbers that runs may have; None where none are configured.

    Raises:
        ValueError: it is no range of numbers that belong to nobody.
    """
    named = os.environ.get(RANGE)
    if not named:
        return None
    found = re.fullmatch(r"(\d{1,10})-(\d{1,10})", named)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not LEAST <= first <= last <= MOST:
        raise ValueError(f"{RANGE}={named}：应形如 200000-265535，不小于 {LEAST}")
    taken = next((user.pw_name for user in pwd.getpwall() if first <= user.pw_uid <= last), None)
    if taken:
        raise ValueError(f"{RANGE}={named}：其中有系统用户 {taken}，请换一段")
    return range(first, last + 1)


def check_own_numbers() -> CheckResult:
    """Whether the configured numbers can be used: what was checked, the outcome, the remedy."""
    try:
        usable, remedy = own_numbers() is not None and os.geteuid() == 0, f"以 root 运行代理，或去掉 {RANGE}"
    except ValueError as error:
        usable, remedy = False, str(error)
    return f"每次运行一个用户编号（{RANGE}）可用", usable, remedy


def can_become(account: str) -> bool:
    """Whether this process may run a job as that account."""
    try:
        found = pwd.getpwnam(account)
    except KeyError:
        return False
    return os.geteuid() in (0, found.pw_uid)
