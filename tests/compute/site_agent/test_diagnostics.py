"""`huisuan agent doctor`: each thing that an operator can get wrong is found, and the mending named."""

from __future__ import annotations

import json
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from huisuan.compute.agent_gateway.enrolment import invite_agent, revoke_agents
from huisuan.compute.models import AgentKey, SiteAgent
from huisuan.compute.site_agent import diagnostics
from huisuan.compute.site_agent.commands import app
from huisuan.compute.site_agent.config import KEY, STATE_FILE, Config, write_config
from huisuan.compute.site_agent.diagnostics import Check, run_checks
from huisuan.compute.site_agent.process import hold_folder, join
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol import agent as wire
from support.jobs import centre
from support.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(live_server: Any, tmp_path: Path) -> Path:
    """An agent's folder that joined."""
    centre()
    place = tmp_path / "agent"
    place.mkdir(mode=0o700)
    join(place, Config(url=live_server.url, engine="local"), invite_agent("hf-local", "test", datetime.now(UTC))[1])
    return place


def faults(folder: Path) -> list[Check]:
    """What is wrong while an agent runs from the folder."""
    with hold_folder(folder):
        return [check for check in run_checks(folder) if not check.well]


def fault(folder: Path) -> str:
    """The one thing that is wrong, with its remedy."""
    (found,) = faults(folder)
    assert found.remedy
    return f"{found.what} → {found.remedy}"


def change(folder: Path, **values: Any) -> None:
    write_config(folder, Config(**{"url": "http://127.0.0.1:9", "engine": "local", **values}))


def test_a_well_agent_is_well(folder: Path) -> None:
    assert faults(folder) == []


def test_an_agent_that_is_not_running_is_found(folder: Path) -> None:
    found = [check for check in run_checks(folder) if not check.well]
    assert [check.what for check in found] == ["代理没有在运行"]


def test_a_folder_that_never_joined_is_told_how_to(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["doctor", "--home", str(tmp_path / "nothing"), "--json"])
    assert said.exit_code == 1
    found = json.loads(said.stdout)
    assert not found["well"]
    assert "huisuan agent enrol" in found["checks"][-1]["remedy"]


def test_a_key_that_others_can_read_or_that_is_damaged_or_gone_is_found(folder: Path) -> None:
    (folder / KEY).chmod(0o640)
    assert "权限是 640，别的用户能读 → chmod 600" in fault(folder)
    (folder / KEY).write_text("nonsense")
    assert "已损坏" in fault(folder)
    (folder / KEY).unlink()
    assert "没有密钥文件" in fault(folder)


def test_a_folder_that_others_can_write_is_found(folder: Path) -> None:
    folder.chmod(0o777)
    assert "chmod go-w" in fault(folder)


def test_a_disk_that_is_nearly_full_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "FREE_BYTES", shutil.disk_usage(folder).total * 2)
    assert "磁盘剩余" in fault(folder)


def test_an_engine_or_an_option_that_is_not_there_is_found(folder: Path, live_server: Any) -> None:
    change(folder, url=live_server.url, options={"slotz": "1"})
    assert "没有选项 slotz" in fault(folder)
    change(folder, url=live_server.url, engine="abacus")
    assert "没有名为 abacus 的执行引擎" in faults(folder)[0].what


def test_a_configuration_that_is_not_written_so_is_found(folder: Path) -> None:
    path = folder / "agent.toml"
    for text, said in (("url = ", "不是合法的 TOML"), ('urls = "x"', "不认识 urls"), ('url = "x"', "缺 engine")):
        path.write_text(text)
        assert any(said in each.what for each in faults(folder)), text
    path.write_text('url = "x"\nengine = "local"\nidle_seconds = 900')
    assert any("应在 0.05 至 60 秒之间" in each.what for each in faults(folder))


def test_a_damaged_state_file_is_found(folder: Path) -> None:
    for path in folder.glob(f"{STATE_FILE}*"):
        path.unlink()
    (folder / STATE_FILE).write_bytes(b"not a database" * 100)
    assert "打不开" in fault(folder)


# --- the way to the platform


def test_a_name_that_does_not_resolve_and_a_port_where_nobody_listens_are_told_apart(folder: Path) -> None:
    change(folder, url="https://no-such-host.invalid")
    assert "域名 no-such-host.invalid 解析不了" in fault(folder)
    change(folder, url=f"http://127.0.0.1:{free_port()}")
    assert "连不上" in fault(folder)


def test_an_address_without_encryption_is_found(folder: Path) -> None:
    change(folder, url="http://no-such-host.invalid")
    assert "不加密" in faults(folder)[0].what


class Server:
    """A web server that is no platform, or a platform's door with another clock or certificate."""

    def __init__(self, answer: bytes = b"hello", clock: timedelta = timedelta(0), chain: Path | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return (datetime.now(UTC) + clock).strftime("%a, %d %b %Y %H:%M:%S GMT")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        if chain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if chain else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(**rest: Any) -> Server:
        started.append(Server(**rest))
        return started[-1]

    yield start
    for each in started:
        each.server.shutdown()
        each.server.server_close()


WELL = json.dumps({"status": "ok"}).encode()


def test_an_address_that_is_not_the_platform_s_is_found(folder: Path, serve: Callable[..., Server]) -> None:
    change(folder, url=serve().url)
    assert "不是惠算平台" in fault(folder)


@pytest.mark.parametrize("minutes", [-3, 3])
def test_a_clock_that_is_wrong_is_found(folder: Path, serve: Callable[..., Server], minutes: int) -> None:
    change(folder, url=serve(answer=WELL, clock=timedelta(minutes=minutes)).url)
    said = fault(folder)
    assert "时钟与平台相差 1" in said
    assert "chrony" in said


def certificate(folder: Path, name: str = "127.0.0.1", days: int = 1) -> Path:
    """A certificate of its own making, with its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative: x509.GeneralName = (
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def test_a_certificate_of_an_unknown_authority_is_found_and_trusted_when_named(
    folder: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    chain = certificate(tmp_path)
    url = serve(answer=WELL, chain=chain).url
    change(folder, url=url)
    said = fault(folder)
    assert "TLS 证书验证不过" in said
    assert "--ca" in said
    change(folder, url=url, ca=str(chain))
    assert not any("TLS" in each.what for each in faults(folder))
    change(folder, url=url, ca=str(tmp_path / "none.pem"))
    assert "CA 证书" in fault(folder)


@pytest.mark.parametrize(("name", "days"), [("127.0.0.1", -1), ("elsewhere.example", 1)])
def test_a_certificate_that_expired_or_names_another_is_found(
    folder: Path, tmp_path: Path, serve: Callable[..., Server], name: str, days: int
) -> None:
    chain = certificate(tmp_path, name, days)
    change(folder, url=serve(answer=WELL, chain=chain).url, ca=str(chain))
    assert "TLS 证书验证不过" in fault(folder)


# --- whether it is let in, and whether it serves


def test_an_agent_that_was_revoked_or_is_unknown_is_told_to_join_anew(folder: Path) -> None:
    revoke_agents("hf-local", "test", datetime.now(UTC))
    assert "平台不让进（403）" in fault(folder)
    SiteAgent.objects.all().delete()
    AgentKey.objects.all().delete()
    said = fault(folder)
    assert "平台不让进（401）" in said
    assert "huisuan centre invite" in said


def test_an_agent_whose_protocol_the_platform_no_longer_speaks_is_told_to_upgrade(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 3)
    said = fault(folder)
    assert "平台不让进（409）" in said
    assert "请在中心升级 huisuan" in said
    assert "enrol" not in said


def test_a_second_copy_of_the_agent_is_found(folder: Path) -> None:
    SiteAgent.objects.update(boot=f"{'c' * 24}.1", host="node-9")
    assert "这个代理的另一份在运行（node-9" in fault(folder)


def test_another_agent_that_serves_the_centre_is_found(folder: Path, tmp_path: Path, live_server: Any) -> None:
    SiteAgent.objects.all().delete()
    config = Config(url=live_server.url, engine="local")
    join(tmp_path / "other", config, invite_agent("hf-local", "test", datetime.now(UTC))[1])
    assert "另一个代理在服务这个中心" in fault(folder)


def test_a_chain_of_batches_that_is_behind_the_platform_s_is_found(folder: Path) -> None:
    AgentKey.objects.update(last_batch=7)
    assert "本机签到 0，平台收到 7" in fault(folder)


def test_the_command_says_everything_in_words_and_fails_where_something_is_wrong(folder: Path) -> None:
    (folder / KEY).chmod(0o644)
    said = CliRunner().invoke(app, ["doctor", "--home", str(folder)])
    assert said.exit_code == 1
    assert "✗ 密钥文件" in said.stdout
    assert f"    补救：chmod 600 {folder / KEY}" in said.stdout
    assert "✓ 执行引擎 local 已安装" in said.stdout


def test_status_tells_what_waits_from_the_agent_s_own_files(folder: Path) -> None:
    state = AgentState(folder / STATE_FILE)
    state.adopt_run("01m8558jnns7cryxk3r3r51yjp", 1, 0)
    state.close()
    told = json.loads(CliRunner().invoke(app, ["status", "--home", str(folder), "--json"]).stdout)
    assert (told["centre"], told["running"], told["waiting_lines"]) == ("hf-local", False, 0)
    assert [run["uid"] for run in told["runs"]] == ["01m8558jnns7cryxk3r3r51yjp"]
    assert told["abilities"]["gang"]["able"] is False
