"""What an operator could have got wrong is found, said, and how it is mended."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from huisuan.compute.engines import load
from huisuan.compute.engines.interface import ABILITIES, OPTIONAL_ABILITIES, EngineError
from huisuan.compute.engines.slurm import SlurmEngine
from huisuan.compute.engines.slurm.rest_client import token_expiry

if TYPE_CHECKING:
    from support.slurm_cluster import Cluster
    from support.slurm_site import Site


def findings(engine: SlurmEngine) -> dict[str, str]:
    """What is not well, by its name."""
    return {name: why for name, well, why in engine.diagnose() if not well}


def stand_in(folder: Path, name: str, script: str) -> Path:
    """A folder with a program of that name instead of Slurm's."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return folder


def test_a_cluster_that_is_well_passes_every_check(site: Site) -> None:
    engine = load("slurm", site.folder / "jobs", site.options)
    checked = engine.diagnose()
    assert [one for one in checked if not one[1]] == []
    assert len(checked) == (12 if "rest_url" in site.options else 11)
    abilities = engine.abilities()
    assert sorted(abilities) == sorted([*ABILITIES, *OPTIONAL_ABILITIES])
    assert [name for name, ability in abilities.items() if not ability.able] == ["containers"]
    assert all(ability.why for ability in abilities.values())


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\necho 'slurm-wlm 22.05.8'\n",
        '#!/bin/sh\ncase "$*" in *help*) echo AllocTRES ;; *) echo "slurm-wlm 22.05.8" ;; esac\n',
    ],
)
def test_a_stand_in_for_sacct_is_refused(plain_site: Site, tmp_path: Path, script: str) -> None:
    engine = plain_site.again(bin=str(stand_in(tmp_path / "bin", "sacct", script)))
    found = findings(engine)
    assert "sacct" in found["记账 slurmdbd"]
    assert "sacct 是真的" in found
    assert not engine.abilities()["accounting"].able
    spec = plain_site.spec("true")
    with pytest.raises(EngineError, match="不是 Slurm 的 sacct"):
        engine.submit(spec)


def test_commands_that_are_not_there_are_named(plain_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    engine = plain_site.again()
    assert findings(engine)["Slurm 命令"].startswith("找不到 sbatch、squeue、scancel、scontrol、sdiag、sacct；")
    with pytest.raises(EngineError, match="找不到命令 squeue"):
        engine.observe([plain_site.spec("true").name])


def test_partitions_accounts_and_cards_that_are_not_there_are_named(plain_site: Site) -> None:
    assert "nowhere" in findings(plain_site.again(partitions="gpu=nowhere"))["提供的分区"]
    assert "Invalid account" in findings(plain_site.again(account="nobody's"))["可以提交"]


def test_an_accounting_without_cards_takes_no_job(plain_site: Site, cluster: Cluster) -> None:
    conf = cluster.folder / "slurm.conf"
    kept = conf.read_text()
    conf.write_text(re.sub("AccountingStorageTRES=.*", "AccountingStorageTRES=gres/gpu", kept))
    cluster.end("slurmctld")
    try:
        cluster.start_controller()
        engine = plain_site.again()
        assert "gres/npu" in findings(engine)["记账包含加速卡"]
        with pytest.raises(EngineError, match="记账不含 gres/npu"):
            engine.submit(plain_site.spec("true", partition="ascend", local_card="910b3"))
        plain_site.done(plain_site.run("true").name)
    finally:
        conf.write_text(kept)
        cluster.end("slurmctld")
        cluster.start_controller()


def test_a_clock_that_differs_is_told(plain_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = plain_site.engine
    monkeypatch.setattr(engine.session.commands, "clock", lambda: int(time.time()) + 90)
    assert re.match("控制器的时钟比本机快 (89|90) 秒；", findings(engine)["时钟"])


def test_a_token_is_kept_and_renewed_before_its_end(cluster: Cluster, by_rest: dict[str, str], tmp_path: Path) -> None:
    made = stand_in(tmp_path, "made", f"#!/bin/sh\necho x >> {tmp_path}/times\nexec scontrol token lifespan=$1\n")
    for lifespan, times in (("3600", 1), ("30", 3)):  # thirty seconds are too few to go on with
        (tmp_path / "times").write_text("")
        asked = f"env SLURM_CONF={by_rest['conf']} {made}/made {lifespan}"
        engine = SlurmEngine(tmp_path / "jobs", by_rest | {"jwt_command": asked})
        assert engine.session.rest is not None
        for _ in range(3):
            ends = token_expiry(engine.session.rest.token.value())
        assert ends is not None
        assert int(lifespan) - 20 < ends - time.time() <= int(lifespan)
        assert (tmp_path / "times").read_text() == "x\n" * times
    assert token_expiry("no token") is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"acount": "x"}, "没有选项 acount；可用的有："),
        ({"patience_seconds": "1m"}, "patience_seconds=1m 不是非负整数"),
        ({"rest_url": "http://127.0.0.1:6820"}, "jwt_file"),
        ({"rest_url": "127.0.0.1:6820", "jwt_file": "/x"}, "不是网址"),
        ({"user": "no-such-user-here"}, "本机没有用户 no-such-user-here"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        SlurmEngine(tmp_path, options)


def test_partitions_have_the_platforms_names(plain_site: Site) -> None:
    engine = plain_site.again(partitions="gpu=a100, ascend")
    assert {node.partition for node in engine.capacity()} == {"gpu", "ascend"}
    plain_site.done(plain_site.run("true", partition="gpu").name)


class TestAsAnotherUser:
    """Jobs of an agent that is root run as the user that its operator names."""

    def test_a_run_is_that_users_and_sees_nothing_of_the_agents(self, site: Site) -> None:
        engine = site.again(user="nobody")
        work = site.folder / "work"
        (work / "deep").mkdir(parents=True)
        (work / "deep" / "data").write_text("42")
        work.chmod(0o700)
        (site.folder / "secret").write_text("the agent's")
        (site.folder / "secret").chmod(0o600)
        os.environ["HUISUAN_SECRET"] = "the agent's"
        try:
            shown = "id -un; id -gn; cat deep/data; touch made; env; cat ../secret; ls ..; exit 0"
            spec = site.run("sh", "-c", shown, workdir=work, environment={"MINE": "not others'"})
        finally:
            del os.environ["HUISUAN_SECRET"]
        site.done(spec.name)
        log = site.log(spec.name)
        assert log.startswith("nobody\nnogroup\n42")
        assert "the agent's" not in log
        assert (work / "made").owner() == "nobody"
        place = engine.folder / spec.name
        modes = {path.name: (path.owner(), stat.S_IMODE(path.stat().st_mode)) for path in place.iterdir()}
        assert modes["task"] == ("nobody", 0o500)  # it holds what is in the environment
        assert modes["output.log"] == ("nobody", 0o600)
        assert modes["run.json"][0] == "root"
        assert (place.owner(), stat.S_IMODE(place.stat().st_mode)) == ("root", 0o711)
        assert engine.usage([spec.name])[spec.name][0].raw.split("|")[-2] == "nobody"

    def test_the_doctor_tells_what_is_closed_to_that_user(self, plain_site: Site) -> None:
        plain_site.folder.chmod(0o700)
        assert "nobody 进不了" in findings(plain_site.again(user="nobody"))["作业目录"]
