"""`huisuan agent doctor`: everything that an operator can get wrong at a centre, each with its remedy."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from huisuan import __version__
from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.months import SHANGHAI
from huisuan.client import ClientError
from huisuan.compute import engines
from huisuan.compute.engines.interface import EngineError
from huisuan.compute.site_agent.config import JOBS, KEY, LOCK, STATE_FILE, Config, key_problem, load_config
from huisuan.compute.site_agent.link import NO_PROXY, AgentLink
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.agent import PROTOCOL, SyncReply, SyncRequest
from huisuan.protocol.signatures import load_key, public_half, sign_request

FREE_BYTES = 2 * 2**30
_SKEW_SECONDS = 5.0
SAFE_TAR = (3, 11, 4)
ENROL = "在平台运行 huisuan centre invite 中心代码，再在这里 huisuan agent enrol 网址 --token 邀请码 --engine 引擎"
UPGRADE = "平台与站点代理的版本相差太多：先升级平台，再升级站点代理（docs/reference/compatibility.md）"
CLOCK = "启用 chrony 或 systemd-timesyncd 校准时钟：差得太多，平台不收用量，也不派作业；校准后一秒不少地接着报"
_SECONDS = 10.0


@dataclass(frozen=True)
class Check:
    """What was checked, whether it is well, and the remedy."""

    what: str
    well: bool
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The check as a JSON object."""
        return asdict(self)


def run_checks(folder: Path) -> list[Check]:
    """Run the checks in order; one that depends on a failed check is left out."""
    found = [*_machine(folder)]
    try:
        config = load_config(folder)
    except Refused as refusal:
        return [*found, Check(str(refusal), False, ENROL)]
    found += [Check(f"配置 {folder / 'agent.toml'}：{config.url}，{config.engine}", True)]
    found += _engine(config, folder)
    own = [*_own_files(folder)]
    link = [*_link(config)]
    found += [*own, *link]
    if all(check.well for check in (*own, *link)):
        found += _with_platform(config, folder)
    running = is_running(folder)
    remedy = "systemctl start huisuan-agent，或 huisuan agent run"
    return [*found, Check("代理正在运行" if running else "代理没有在运行", running, remedy)]


def is_running(folder: Path) -> bool:
    """Whether an agent runs from this folder."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def agent_status(folder: Path) -> dict[str, Any]:
    """What the agent knows, from its files alone.

    Raises:
        Refused: it has not joined.
    """
    config = load_config(folder)
    state = AgentState(folder / STATE_FILE)
    try:
        lines, batches = state.batch_queue.count_unacknowledged()
        runs = [
            {"uid": run.uid, "run": run.run, "lease": run.lease, "over": run.over, "metered": run.metered}
            for run in state.open_runs()
        ]
        return {
            "url": config.url, "engine": config.engine, "centre": state.get("centre"), "agent": state.name,
            "home": str(folder), "public_key": public_half(load_key(folder / KEY)),
            "version": __version__, "running": is_running(folder), "runs": runs,
            "waiting_lines": lines, "waiting_batches": batches, "last_batch": state.batch_queue.head()[0],
            "abilities": {
                name: {"able": ability.able, "why": ability.why}
                for name, ability in engines.load(config.engine, folder / JOBS, config.options).abilities().items()
            },
        }  # fmt: skip
    except (LookupError, ValueError, OSError) as error:
        raise InvalidRequest(str(error), code="agent.engine_unusable") from None
    finally:
        state.close()


def held_receipts(folder: Path) -> dict[str, Any]:
    """The platform's receipts of what this agent sent, as an auditor takes them.

    Raises:
        Refused: it has not joined.
    """
    load_config(folder)
    state = AgentState(folder / STATE_FILE)
    try:
        return {
            "kind": "huisuan-receipts-1", "centre": state.get("centre"), "platform_key": state.get("platform_key"),
            "receipts": [{"agent": state.name, **receipt} for receipt in state.batch_queue.list_receipts()],
        }  # fmt: skip
    finally:
        state.close()


# --- the checks


def _machine(folder: Path) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check(f"Python {version}", sys.version_info >= SAFE_TAR, "3.11.4 起才能安全地解开工作目录：请升级 Python")
    if not folder.exists():
        return
    free = shutil.disk_usage(folder).free
    remedy = f"清理 {folder} 所在的磁盘，至少留 {FREE_BYTES // 2**30} GiB：作业输出和未上报的用量都写在这里"
    yield Check(f"磁盘剩余 {free / 2**30:.1f} GiB（{folder}）", free >= FREE_BYTES, remedy)
    yield Check(f"能写 {folder}", os.access(folder, os.W_OK | os.X_OK), f"把 {folder} 交给运行代理的用户：chown -R")
    shared = folder.stat().st_mode & 0o022
    yield Check(f"{folder} 只有属主能写", not shared, f"chmod go-w {folder}")


def _engine(config: Config, folder: Path) -> Iterator[Check]:
    try:
        engine = engines.load(config.engine, folder / JOBS, config.options)
    except (LookupError, ValueError) as error:
        yield Check(f"执行引擎 {config.engine}：{error}", False, "改 agent.toml 的 engine 或 [options]，或安装缺的包")
        return
    yield Check(f"执行引擎 {config.engine} 已安装", True)
    try:
        yield from (Check(*finding) for finding in engine.diagnose())
    except EngineError as error:
        yield Check(f"执行引擎自检：{error}", False, "先让调度器能在这台机器上、以运行代理的用户使用")


def _own_files(folder: Path) -> Iterator[Check]:
    problem, path = key_problem(folder), folder / KEY
    remedy = f"chmod 600 {path}" if "权限" in problem else ENROL
    yield Check(problem or f"密钥 {path} 只有属主能读", not problem, remedy)
    if not (folder / STATE_FILE).exists():
        yield Check(f"没有 {folder / STATE_FILE}", False, ENROL)
        return
    try:
        state = AgentState(folder / STATE_FILE)
        well, name = state.is_intact(), state.name
        state.close()
    except sqlite3.Error as error:
        yield Check(f"{folder / STATE_FILE} 打不开：{error}", False, f"检查磁盘；救不回来则移走它，{ENROL}")
        return
    yield Check(f"记忆 {folder / STATE_FILE} 完好", well, f"磁盘可能有坏块：移走它，{ENROL}")
    yield Check(f"代理名 {name or '未知'}", bool(name), ENROL)


def _link(config: Config) -> Iterator[Check]:
    """Whether the platform can be reached: name, address, certificate, the platform itself, the clock."""
    url = httpx.URL(config.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    local = url.host in NO_PROXY
    yield Check(
        f"地址 {config.url}" + ("" if url.scheme == "https" or local else " 不加密"), url.scheme == "https" or local,
        "平台启用 HTTPS 后，改 agent.toml 的 url：作业内容不应以明文经过网络",
    )  # fmt: skip
    try:
        socket.getaddrinfo(url.host, port)
    except OSError as error:
        yield Check(f"域名 {url.host} 解析不了：{error}", False, "检查 agent.toml 的 url 和本机的 DNS")
        return
    try:
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=config.ca) if config.ca else True
    except (OSError, ssl.SSLError) as error:
        yield Check(f"CA 证书 {config.ca} 读不了：{error}", False, "改 agent.toml 的 ca")
        return
    try:
        with httpx.Client(verify=verify, timeout=_SECONDS, trust_env=not local) as http:
            before = datetime.now(UTC)
            answer = http.get(f"{config.url}/healthz")
            after = datetime.now(UTC)
    except httpx.HTTPError as error:
        yield _unreached(str(error), url)
        return
    status = _status(answer)
    remedy = "检查 agent.toml 的 url：它应是惠算平台的地址；若正是，请告诉平台的运维"
    yield Check(f"平台应答 {answer.status_code} {status or '（不是惠算平台）'}", status == "ok", remedy)
    if "date" in answer.headers:
        yield _clock(parsedate_to_datetime(answer.headers["date"]), before, after)


def _unreached(error: str, url: httpx.URL) -> Check:
    if "CERTIFICATE_VERIFY_FAILED" in error or "certificate" in error.lower():
        remedy = "证书过期请平台换；由私有 CA 签发请 --ca 指定 CA 证书；主机名不符请核对 url；也请核对本机时钟"
        return Check(f"TLS 证书验证不过：{error}", False, remedy)
    return Check(f"连不上 {url}：{error}", False, "检查防火墙与代理（HTTPS_PROXY）：只需允许向外访问这一个地址")


def _clock(theirs: datetime, before: datetime, after: datetime) -> Check:
    """`theirs` is cut to whole seconds."""
    behind, ahead = (theirs - after).total_seconds(), (before - theirs).total_seconds() - 1
    off = max(behind, ahead, 0.0)
    return Check(f"时钟与平台相差 {off:.1f} 秒", off <= _SKEW_SECONDS, CLOCK)


def _status(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["status"])
    except (ValueError, KeyError, TypeError):
        return ""


def _with_platform(config: Config, folder: Path) -> Iterator[Check]:
    """Whether the platform lets this agent in, and whether it is the one that serves."""
    state, key = AgentState(folder / STATE_FILE), load_key(folder / KEY)
    place = state.get("place_name") or "0" * 24
    probe = SyncRequest(
        protocol=PROTOCOL, agent=state.name, number=1, boot=f"{place}.0", host=socket.gethostname()[:120],
        version=__version__, engine=config.engine, sent_at=datetime.now(UTC), probe=True,
    )  # fmt: skip
    signed, acknowledged = state.batch_queue.head()[0], state.batch_queue.last_acknowledged()
    state.close()
    try:
        with AgentLink(config.url, ca=Path(config.ca) if config.ca else None, timeout=_SECONDS) as link:
            reply = link.sync(probe, lambda body: sign_request(key, body))
    except ClientError as error:
        yield Check(f"平台不让进（{error.status}）：{error}", False, UPGRADE if error.status == 409 else ENROL)
        return
    yield Check(f"平台认识这个代理，智算中心 {reply.centre}", True)
    if reply.message:
        yield Check(reply.message, False, CLOCK)
    yield from _serving(reply, probe.agent, place)
    remedy = f"这个目录是从旧备份恢复的，或平台丢了数据：{ENROL}；未上报的用量会接着报"
    yield Check(
        f"用量批次：本机签到 {signed}，平台收到 {reply.last_batch}", acknowledged <= reply.last_batch <= signed, remedy
    )


def _serving(reply: SyncReply, agent: str, place: str) -> Iterator[Check]:
    held = reply.serving
    if held is None:
        return
    since = f"{held.host}，{held.last_seen_at.astimezone(SHANGHAI):%m-%d %H:%M:%S} 还有回音"
    if held.agent != agent:
        remedy = "一个中心同时只由一个代理服务：停掉多余的，或在平台 huisuan centre revoke 吊销它"
        yield Check(f"另一个代理在服务这个中心（{since}）", False, remedy)
    elif held.boot.partition(".")[0] != place:
        remedy = "停掉多余的一份；代理目录不要复制到别的机器，要搬家请在新机器重新 enrol"
        yield Check(f"这个代理的另一份在运行（{since}）", False, remedy)
    else:
        yield Check(f"由这个代理服务（{since}），平台测得的时钟偏差 {held.skew_ms} 毫秒", True)
