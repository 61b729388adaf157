"""The agent checks itself beside its loop when the platform wants it, and sends what came of it once."""

from __future__ import annotations

import threading

from huisuan.compute.site_agent.diagnostics import Check
from huisuan.compute.site_agent.report import SelfCheck
from huisuan.protocol.agent import HealthCheck
from support.jobs import eventually

GOOD, BAD = Check("磁盘", True, "never told"), Check("时钟\n差 9 秒", False, "校准")


def test_a_check_runs_only_where_it_is_wanted_and_is_sent_until_a_reply_comes() -> None:
    found = SelfCheck(lambda: [GOOD, BAD])
    found.record_reply(wanted=False)
    assert found.report() == []
    found.record_reply(wanted=True)
    told = eventually(found.report)
    assert told == [HealthCheck(what="磁盘", well=True), HealthCheck(what="时钟 差 9 秒", well=False, remedy="校准")]
    assert found.report() == told  # the request with it was lost
    found.record_reply(wanted=False)
    assert found.report() == []


def test_the_loop_never_waits_for_a_check_and_one_runs_at_a_time_with_a_rest_between() -> None:
    may_end, begun, clock = threading.Event(), [], [0.0]

    def slow() -> list[Check]:
        begun.append(1)
        assert may_end.wait(30)
        return [GOOD]

    found = SelfCheck(slow, steady=lambda: clock[0])
    for _ in range(3):
        found.record_reply(wanted=True)
    assert found.report() == []
    may_end.set()
    assert eventually(found.report)
    found.record_reply(wanted=True)  # it arrived; the next has to wait
    assert (len(begun), found.report()) == (1, [])
    clock[0] = 60.0
    found.record_reply(wanted=True)
    assert eventually(found.report)
    assert len(begun) == 2


def test_a_check_that_breaks_says_so() -> None:
    def broken() -> list[Check]:
        raise RuntimeError("sinfo: 没有了")

    found = SelfCheck(broken)
    found.record_reply(wanted=True)
    (told,) = eventually(found.report)
    assert (told.well, told.what) == (False, "自检没有做完：sinfo: 没有了")
