"""A province in one process: the platform on its database, centres with agents on their disks, and every accident.

Whoever is to be killed is killed between two statements, chosen by chance: of the platform's SQL, of the agent's
SQLite, before or after each call of its scheduler. What was committed stays, as after a kill -9; what was not is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from huisuan.client import ClientError
from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused
from huisuan.compute.agent_gateway.sync import sync
from huisuan.compute.models import AgentKey, Centre
from huisuan.compute.site_agent import report
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.config import KEY, STATE_FILE
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.process import next_boot_id
from huisuan.compute.site_agent.state import AgentState
from huisuan.compute.tasks import Steadiness, look_after
from huisuan.protocol.agent import SyncReply, SyncRequest
from huisuan.protocol.signatures import make_key, public_half, request_is_signed_by
from support.model_scheduler import Began, Program, Scheduler


class Killed(BaseException):
    """The process is gone. No `except Exception` is to notice."""


class Doom:
    """Counts the places at which one may be killed, and kills at the one that was drawn."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.kills = 0

    def draw(self, after: int) -> None:
        """To be killed at the so manieth place from now."""
        self.left = after

    def spare(self) -> None:
        """Not to be killed."""
        self.left = None

    def place(self) -> None:
        """A place at which one may be killed.

        Raises:
            Killed: this is it.
        """
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            self.kills += 1
            raise Killed

    def guard(self, thing: Any) -> Any:
        """The thing, with a place before and after each call of its methods."""
        return _Guarded(thing, self)


class _Guarded:
    def __init__(self, thing: Any, doom: Doom) -> None:
        self._thing, self._doom = thing, doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if not callable(found) or name == "close":
            return found

        def called(*words: Any, **rest: Any) -> Any:
            self._doom.place()
            answer = found(*words, **rest)
            self._doom.place()
            return answer

        return called


class Province:
    """The platform, and how it may die in the middle of a request."""

    def __init__(self, start: datetime) -> None:
        self.time, self.doom, self.steadiness = start, Doom(), Steadiness()
        self.up = True

    def serve(self, body: bytes, signature: str) -> SyncReply:
        """One request, as the endpoint takes it, unless the platform is killed on the way.

        Raises:
            ClientError: no answer came.
        """
        if not self.up:
            raise ClientError("down")
        seen = SyncRequest.model_validate_json(body)
        self.time += timedelta(milliseconds=1)  # no two requests come at the same moment
        try:
            with connection.execute_wrapper(self._statement):
                key = AgentKey.objects.select_related("centre").get(name=seen.agent)
                assert request_is_signed_by(key.public_key, signature, body)
                return sync(seen, key, self.time)
        except Killed:
            raise ClientError("killed") from None
        except EnrolmentRefused as refusal:
            raise ClientError(str(refusal), refusal.status) from None
        finally:
            self.doom.spare()

    def minute(self) -> None:
        """What the worker does every minute; killed in the middle, it is done at the next."""
        try:
            with connection.execute_wrapper(self._statement):
                look_after(self.time, self.steadiness)
        except Killed:
            self.steadiness = Steadiness()
        finally:
            self.doom.spare()

    def _statement(self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        if not str(sql).startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.doom.place()
        return execute(sql, params, many, context)


class Site:
    """A centre's machine: its disk and its scheduler stay, its agent comes and goes; `skew` is its clock's."""

    url = "http://127.0.0.1:1"  # where a tunnel of a session would lead: nobody opens one here

    def __init__(self, province: Province, centre: Centre, folder: Path, programs: dict[str, Program],
                 begun: list[Began], skew: int) -> None:  # fmt: skip
        self.province, self.folder, self.skew = province, folder, timedelta(seconds=skew)
        self.scheduler, self.doom = Scheduler(centre.code, programs, begun), Doom()
        self.loses_request = self.loses_reply = False
        self.agent_skew, self.said = timedelta(0), list[str]()  # of the agent's own machine, beside the scheduler's
        folder.mkdir()
        state = AgentState(folder / STATE_FILE)
        key = make_key(folder / KEY)
        AgentKey.objects.create(
            centre=centre, name=state.assign_new_name(), public_key=public_half(key), host=centre.code,
            enrolled_at=province.time,
        )  # fmt: skip
        state.close()
        self.key: Ed25519PrivateKey = key
        self.agent: Agent | None = None

    def sync(self, seen: SyncRequest, sign: Callable[[bytes], str]) -> SyncReply:
        """The wire, which loses things."""
        body = seen.model_dump_json(exclude_defaults=True).encode()
        self.doom.place()
        if self.loses_request:
            raise ClientError("lost")
        reply = self.province.serve(body, sign(body))
        if self.loses_reply:
            raise ClientError("lost")
        self.doom.place()
        return SyncReply.model_validate_json(reply.model_dump_json(exclude_defaults=True))

    def step(self) -> None:
        """One exchange, by an agent that is started if there is none; it may be killed at any place."""
        try:
            if self.agent is None:
                self._start()
            assert self.agent is not None
            self.agent.step()
        except Killed:
            self.kill()
        finally:
            self.doom.spare()

    def _start(self) -> None:
        state = AgentState(self.folder / STATE_FILE)
        database = state._database
        database._connection = self.doom.guard(database._connection)
        self.state = state
        self.agent = Agent(
            self, self.doom.guard(self.scheduler), "local", state, self.key, self.folder,  # type: ignore[arg-type]
            boot=next_boot_id(state, self.folder), now=lambda: self.clock() + self.agent_skew.total_seconds(),
            steady=self.steady, pace=Pace(lambda: 0.5), log=self.said.append,
        )  # fmt: skip

    def clock(self) -> float:
        """The centre's own clock."""
        return (self.province.time + self.skew).timestamp()

    def steady(self) -> float:
        """Seconds that pass, whatever its clock is set to."""
        return self.province.time.timestamp()

    def kill(self) -> None:
        """Gone, with everything that was not committed."""
        if self.agent is not None or hasattr(self, "memory"):
            connection: Any = self.state._database._connection
            (connection._thing if isinstance(connection, _Guarded) else connection).close()
        self.agent = None

    def tick(self) -> None:
        """The scheduler works on, whoever lives."""
        self.scheduler.tick(int(self.clock()))


def moment(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shorter_pauses(monkeypatch: Any) -> None:
    """The agent asks for nodes at every exchange: more to go wrong."""
    monkeypatch.setattr(report, "NODES_IDLE", 0.0)
