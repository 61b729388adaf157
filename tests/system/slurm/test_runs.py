"""Jobs on a real Slurm cluster, the same by commands and by slurmrestd."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from huisuan.compute.engines.interface import RunState
from support.slurm_site import until

if TYPE_CHECKING:
    from support.slurm_site import Site

HARD = ["", " ", "a b", "'", '"', "`id`", "$(id)", "$HOME", "\\", "*", "~", "; id", "&&", "\n", "#SBATCH --time=1\n",
        "\r\n", ":", "--", "汉字", "🂡", "a=b", "%j", "\t", "\x7f"]  # fmt: skip
SHOW = "import sys, os; print(ascii(sys.argv[1:])); print(ascii({k: v for k, v in os.environ.items() if k[0] == 'H'}))"


class TestRuns:
    """One run from its submission to its usage."""

    def test_a_run_is_submitted_watched_read_and_metered(self, site: Site) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        spec = site.run("sh", "-c", "echo out; echo err >&2; sleep 2; exit 0", cards=2, environment={"WORD": "x"})
        began = until(lambda: seen if (seen := site.seen(spec.name)).started_at else None, "its beginning")
        assert began.state is RunState.RUNNING
        assert began.started_at is not None
        assert before - timedelta(seconds=1) <= began.started_at <= datetime.now(UTC)
        ended = site.ended(spec.name)
        assert (ended.state, ended.exit_code, ended.started_at) == (RunState.COMPLETED, 0, began.started_at)
        assert site.log(spec.name) == "out\nerr\n"
        assert site.engine.logs(spec.name, 4, 2) == b"er"
        (used,) = site.usage(spec.name)
        assert (used.name, used.restart, used.cards, used.local_card) == (spec.name, 0, 2, "a100")
        assert (used.nodes[:3], used.node_count, used.state) == ("gpu", 1, RunState.COMPLETED)
        assert (used.started_at, used.ended_at, used.suspended_seconds) == (ended.started_at, ended.ended_at, 0)

    def test_what_a_user_writes_arrives_word_for_word(self, site: Site) -> None:
        words = [one for one in HARD if "\0" not in one]
        environment = {"HARD": "".join(words), "HOME": "x'y\n", "H-Y.P": "$(id)"}
        spec = site.run("python3", "-c", SHOW, *words, environment=environment)
        site.done(spec.name)
        shown, surroundings = site.log(spec.name).splitlines()
        assert shown == ascii(words)
        assert environment.items() <= eval(surroundings).items()

    def test_a_script_is_run_by_its_own_first_line(self, site: Site) -> None:
        script = "#!/usr/bin/python3\n#SBATCH --time=1\r\nprint('printed by python')\nraise SystemExit(98)\n"
        spec = site.run(script=script)
        ended = site.ended(spec.name)
        assert (ended.state, ended.exit_code) == (RunState.FAILED, 98)  # 98 of its own: it did begin
        assert site.log(spec.name) == "printed by python\n"
        assert len(site.usage(spec.name)) == 1

    def test_a_run_starts_in_the_folder_that_was_unpacked_for_it(self, site: Site) -> None:
        work = site.folder / "a 'folder' of $HOME"
        work.mkdir()
        (work / "data").write_text("42")
        spec = site.run("cat", "data", workdir=work)
        site.done(spec.name)
        assert site.log(spec.name) == "42"

    def test_a_gang_runs_its_command_on_every_node_at_once(self, site: Site) -> None:
        told = 'echo "$HUISUAN_NODE_RANK of $HUISUAN_NODES on $SLURMD_NODENAME: $HUISUAN_CARDS_PER_NODE $1"'
        spec = site.run("sh", "-c", told, "sh", ":", cards=16, nodes=2)
        site.done(spec.name)
        assert sorted(site.log(spec.name).splitlines()) == ["0 of 2 on gpu01: 8 :", "1 of 2 on gpu02: 8 :"]
        (used,) = site.usage(spec.name)
        assert (used.cards, used.node_count, used.nodes) == (16, 2, "gpu[01-02]")

    def test_a_gang_of_which_one_node_fails_fails_as_a_whole(self, site: Site) -> None:
        spec = site.run("sh", "-c", 'test "$HUISUAN_NODE_RANK" = 0 && sleep 60; exit 5', cards=2, nodes=2)
        assert site.ended(spec.name).state is RunState.FAILED
        assert "Exited with exit code 5" in site.log(spec.name)  # the run's own code is srun's: the highest it saw

    def test_cards_of_another_family_are_asked_for_and_metered_by_their_name(self, site: Site) -> None:
        spec = site.run("true", cards=4, partition="ascend", local_card="910b3")
        site.done(spec.name)
        (used,) = site.usage(spec.name)
        assert (used.cards, used.local_card, used.nodes) == (4, "910b3", "npu01")

    def test_a_run_fails_with_its_exit_code_and_with_its_signal(self, site: Site) -> None:
        failing = site.run("sh", "-c", "exit 3")
        killed = site.run("sh", "-c", "kill -9 $$")
        lacking = site.run("no-such-program")
        for spec, code in ((failing, 3), (killed, 137), (lacking, 127)):
            ended = site.ended(spec.name)
            assert (ended.state, ended.exit_code) == (RunState.FAILED, code)
        assert "no-such-program" in site.log(lacking.name)

    def test_a_run_is_asked_to_end_and_says_why(self, site: Site) -> None:
        spec = site.run("sh", "-c", "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.1; done")
        site.until(spec.name, RunState.RUNNING)
        while site.log(spec.name) != "up\n":
            time.sleep(0.05)
        site.engine.cancel(spec.name, "用户取消")
        ended = site.ended(spec.name)
        assert (ended.state, ended.reason) == (RunState.CANCELLED, "用户取消")
        assert "asked" in site.log(spec.name)
        site.engine.cancel(spec.name)  # once more does no harm
        assert len(site.usage(spec.name)) == 1

    def test_a_run_that_waits_says_for_what_and_is_cancelled_without_having_begun(self, site: Site) -> None:
        site.run("sleep", "60", cards=16, nodes=2)
        waiting = site.run("sh", "-c", "echo ran", cards=8)
        until(lambda: "（Resources）" in site.seen(waiting.name).reason, "the reason")
        assert site.seen(waiting.name).started_at is None
        site.engine.cancel(waiting.name, "不要了")
        ended = site.ended(waiting.name)
        assert (ended.state, ended.reason, ended.started_at) == (RunState.CANCELLED, "不要了", None)
        assert (site.log(waiting.name), site.usage(waiting.name)) == ("", ())

    def test_a_run_that_is_not_let_in_leaves_without_having_run_and_may_come_again(self, site: Site) -> None:
        site.renew(-1)
        spec = site.run("echo", "ran", gate=False)
        ended = site.ended(spec.name)
        assert (ended.state, ended.started_at, ended.exit_code) == (RunState.EXPIRED, None, None)
        assert (site.log(spec.name), site.usage(spec.name)) == ("", ())
        site.renew(600)
        site.open(spec.name)
        site.engine.submit(spec)  # the platform placed it here once more
        site.done(spec.name)
        assert site.log(spec.name) == "ran\n"
        assert len(site.usage(spec.name)) == 1

    def test_a_run_that_never_began_and_was_forgotten_may_come_again(self, site: Site) -> None:
        site.renew(-1)
        expired, cancelled = site.run("echo", "ran", gate=False), site.spec("echo", "ran", cards=16, nodes=2)
        site.ended(expired.name)
        site.renew(600)
        site.run("sleep", "60")
        site.engine.submit(cancelled)
        site.until(cancelled.name, RunState.QUEUED)
        site.engine.cancel(cancelled.name)
        site.ended(cancelled.name)
        for spec in (expired, cancelled):
            site.engine.forget(spec.name)
            assert site.engine.observe([spec.name]) == {}
        site.clear()
        for spec in (expired, cancelled):
            site.open(spec.name)
            site.engine.submit(spec)
            site.done(spec.name)
            assert site.log(spec.name) == "ran\n" * spec.nodes

    def test_submitting_again_finds_the_run_that_is_there(self, site: Site) -> None:
        spec = site.run("sleep", "60")
        for _ in range(3):
            site.engine.submit(spec)
        site.again().submit(spec)  # the agent was started again
        assert len(site.jobs(spec.name)) == 1

    def test_an_agent_whose_memory_is_lost_finds_what_waits_runs_and_has_ended(self, site: Site) -> None:
        done = site.run("true")
        running = site.run("sleep", "60", cards=8)
        site.run("sleep", "60", cards=8)
        waiting = site.run("sh", "-c", "echo ran after all", cards=8)
        site.until(waiting.name, RunState.QUEUED)
        until(lambda: site.seen(running.name).started_at, "its beginning")  # its files are what it begins from
        site.ended(done.name)
        for spec in (done, running, waiting):
            site.engine.forget(spec.name)
        engine = site.again()
        for spec in (done, running, waiting):
            engine.submit(spec)
            assert len(site.jobs(spec.name)) == 1
        site.done(done.name)
        assert site.seen(running.name).state is RunState.RUNNING
        site.engine.cancel(running.name)
        site.done(waiting.name)
        assert site.log(waiting.name) == "ran after all\n"

    def test_what_was_never_submitted_is_left_out(self, site: Site) -> None:
        spec = site.spec("true")
        assert site.engine.observe([spec.name, "no'name; at all"]) == {}
        assert site.engine.usage([spec.name]) == {}
        assert site.engine.logs(spec.name, 0, 10) == b""
        site.engine.cancel(spec.name)

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"local_card": "h100"}, "没有加速卡 h100；有：gpu:a100"),
            ({"partition": "nowhere"}, "Slurm 没有分区 nowhere；有：a100、ascend、urgent"),
            ({"cards": 9}, "没有 1 个各有 9 张 gpu:a100 的节点：有 0 个，每节点最多 8 张"),
            ({"cards": 3, "nodes": 2}, "3 张卡不能均分到 2 个节点"),
            ({"cards": 24, "nodes": 3}, "没有 3 个各有 8 张 gpu:a100 的节点：有 2 个"),
            ({"partition": "urgent", "cards": 2, "nodes": 2}, "每个作业最多 1 个节点"),
            ({"partition": "urgent", "time_limit_seconds": 3601}, "时限是 60 分钟，作业要 3601 秒"),
            ({"image": "some/image"}, "不代启容器镜像"),
            ({"environment": {"A": "\0"}}, "NUL"),
            ({"environment": {"A=B": ""}}, "不能为空，也不能含等号"),
            ({"script": "echo no first line"}, "第一行应是 #!"),
            ({"uid": "x'; rm -rf /"}, "作业号格式不对"),
        ],
    )
    def test_what_can_never_run_is_refused_and_says_why(self, site: Site, more: dict[str, Any], says: str) -> None:
        asked = dict(more)
        uid = asked.pop("uid", None)
        spec = site.spec(*([] if "script" in asked else ["true"]), **asked)
        spec = replace(spec, uid=uid) if uid else spec
        with pytest.raises(ValueError) as refused:  # noqa: PT011 (below)
            site.engine.submit(spec)
        assert says in str(refused.value)
        assert uid or site.jobs(spec.name) == []

    def test_the_nodes_are_told_with_their_cards_and_partitions(self, site: Site) -> None:
        spec = site.run("sleep", "60", cards=3)
        site.until(spec.name, RunState.RUNNING)
        site.cluster.command("scontrol", "update", "nodename=npu01", "state=drain", "reason=State=IDLE")
        try:
            seen = {(node.name, node.partition): node for node in site.engine.capacity()}
        finally:
            site.cluster.command("scontrol", "update", "nodename=npu01", "state=resume")
        assert sorted(seen) == [
            *(("gpu01", "a100"), ("gpu01", "urgent"), ("gpu02", "a100"), ("gpu02", "urgent"), ("npu01", "ascend"))
        ]
        assert {node.cards for node in seen.values()} == {8}
        assert sum(node.used for (_, partition), node in seen.items() if partition == "a100") == 3
        assert (seen["npu01", "ascend"].local_card, seen["npu01", "ascend"].state) == ("910b3", "drained")
        assert (seen["gpu01", "a100"].local_card, seen["gpu01", "a100"].state) == ("a100", "up")

    def test_the_output_of_a_run_is_its_own_and_read_from_any_place(self, site: Site) -> None:
        spec = site.run("true")
        site.ended(spec.name)
        output = site.engine.folder / spec.name / "output.log"
        assert stat.S_IMODE(output.stat().st_mode) == 0o600
        with output.open("wb") as file:  # more than a machine's memory, most of it a hole
            file.seek(2**37)
            file.write(b"the end")
        assert site.engine.logs(spec.name, 2**37 + 4, 100) == b"end"
        output.unlink()
        output.symlink_to("/etc/passwd")
        assert site.engine.logs(spec.name, 0, 100) == b""
