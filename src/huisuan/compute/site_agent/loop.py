"""The agent's loop: report what is seen, learn what is wanted, reconcile the two. Level-triggered.

Nothing depends on a message arriving once: every request says all that the platform has not acknowledged, every reply
all that it wants, or that this is as the agent knows it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan import __version__
from huisuan.client import ClientError
from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import Engine, Observation, run_name
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.clock import VerifiedClock
from huisuan.compute.site_agent.files.answering import FileDesk
from huisuan.compute.site_agent.files.kept import KeptOutputs, Quota
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.reconciler import Reconciler
from huisuan.compute.site_agent.report import Reporter, SelfCheck, SentReport, single_line
from huisuan.compute.site_agent.seal_signer import SealSigner
from huisuan.compute.site_agent.session_tunnels import SessionTunnels
from huisuan.compute.site_agent.state import AgentState, Run, RunLease
from huisuan.compute.site_agent.usage_reporter import UsageReporter
from huisuan.compute.site_agent.workdirs import WorkdirStore
from huisuan.protocol.agent import PROTOCOL, Capability, DesiredJob, SyncReply, SyncRequest
from huisuan.protocol.run_set import digest, mark
from huisuan.protocol.signatures import sign_request

_NUMBERS = 1000  # request numbers reserved at a time


class Agent:
    """One agent, serving one centre through one engine.

    `now` is the centre's clock, in seconds since 1970; `steady` one that is never set (without it, a clock that is set
    is noticed at the next exchange only).
    """

    def __init__(
        self,
        link: AgentLink,
        engine: Engine,
        engine_name: str,
        state: AgentState,
        key: Ed25519PrivateKey,
        folder: Path,
        *,
        boot: str,
        now: Callable[[], float],
        pace: Pace,
        steady: Callable[[], float] | None = None,
        log: Callable[[str], None] = print,
        keep_days: int = 0,
        ca: Path | None = None,
        quota: Quota | None = None,
        self_check: SelfCheck | None = None,
    ) -> None:
        self.link, self.engine, self.engine_name, self.state, self.key = link, engine, engine_name, state, key
        self.boot, self.now, self.pace, self._log = boot, now, pace, log
        self.clock = VerifiedClock(self._wall, steady or self._wall)
        self.lease_file = folder / "lease"
        self.workdirs = WorkdirStore(folder)
        self.reporter = Reporter(engine, self._log_once)
        self.kept = KeptOutputs(folder, quota or Quota())
        self.reconciler = Reconciler(
            engine, state, self.workdirs, self.lease_file, log, kept=self.kept, keep_days=keep_days
        )
        self.files = FileDesk(self.kept, self.reconciler.find_workdir, log)
        self.usage_reporter = UsageReporter(engine, state, key, log)
        self.seal_signer = SealSigner(state, key, log)
        self.tunnels = SessionTunnels(engine, link.url, state.name, key, log, ca=ca)
        self.self_check = self_check
        self.stopped = ""  # why it has to stop
        self.capabilities = {
            name: Capability(able=ability.able, why=single_line(ability.why, 300))
            for name, ability in engine.abilities().items()
        }
        if (keeps := self.capabilities.get("outputs")) is not None and keeps.able:
            self.capabilities["outputs"] = Capability(
                able=True, why=single_line(f"{keeps.why}；{self.kept.quota}", 300)
            )
        self.desired: dict[RunLease, DesiredJob] = {}
        self._held: str | None = None  # digest of `desired`; "": not what the platform wants; None: not known yet
        self._introduced = False
        self._numbers = iter(range(0))
        self._last_logged = ""
        gates = gate_of(self.lease_file, "x").parent
        gates.mkdir(exist_ok=True)
        gates.chmod(0o711)

    def _wall(self) -> float:
        return self.now()

    def step(self) -> float:
        """One exchange with the platform; returns the seconds until the next."""
        sent = SentReport(at=self.now())
        clock_unknown = not self.clock.is_right
        request = self.build_request(sent)
        self.clock.record_request()
        try:
            reply = self.link.sync(request, lambda body: sign_request(self.key, body))
        except ClientError as error:
            self.reporter.record_failure()
            self._log_once(f"平台没有应答：{error}" if error.status == 0 else f"平台拒绝：{error}")
            return self.pace.after_failure(refused=error.status in (401, 403, 409))
        self.clock.record_reply(reply.now, reply.clock_seconds)
        self._log_once(reply.message or f"服务智算中心 {reply.centre}")
        if reply.stop:
            self.stopped = reply.message
        if reply.centre is None:
            return self.pace.after_idle()  # another agent serves: what runs here goes on
        before = set(self.desired)
        self.apply(reply, sent)
        busy = bool(request.observed or request.batches or request.logs or set(self.desired) - before)
        busy = busy or clock_unknown or self.reconciler.waits_for_workdirs
        if request.files or self.files.is_busy:
            return self.pace.after_files()
        return self.pace.after_activity() if busy else self.pace.after_idle()

    # --- what is reported

    def build_request(self, sent: SentReport) -> SyncRequest:
        """Everything that the platform has not acknowledged, output by the piece."""
        runs = self.state.open_runs()
        seen = self.reporter.observe(runs)
        clock_is_right = self.clock.is_right
        # an end is reported with its usage, which needs a clock that the platform found right
        due = [run for run in runs if clock_is_right or not _awaits_usage(run, seen.get(run.name))]
        observed, logs = self.reporter.report_runs(due, seen, sent)
        if clock_is_right:  # else the accounting waits: what is cut into hours by a wrong clock is never right again
            self.usage_reporter.collect(runs, seen, int(self.now()))
        return SyncRequest(
            protocol=PROTOCOL,
            agent=self.state.name,
            number=self._next_number(),
            boot=self.boot,
            host=single_line(platform.node(), 120),
            version=__version__,
            engine=self.engine_name,
            sent_at=datetime.fromtimestamp(self.now()).astimezone(),
            capabilities={} if self._introduced else self.capabilities,
            nodes=self.reporter.report_nodes(sent),
            nodes_same=sent.nodes_same,
            held=self._held or None,
            observed=observed,
            logs=logs,
            batches=self.usage_reporter.next_batches(),
            seals=self.seal_signer.countersignatures,
            wants=self.reconciler.missing_parts(),
            files=self.files.answers(),
            outputs=self.kept.unreported(),
            health=self.self_check.report() if self.self_check else [],
        )

    def _next_number(self) -> int:
        found = next(self._numbers, None)
        if found is None:
            self._numbers = iter(self.state.next_numbers(_NUMBERS))
            found = next(self._numbers)
        return found

    # --- what is learnt

    def apply(self, reply: SyncReply, sent: SentReport) -> None:
        """Record what was acknowledged and do what is wanted."""
        self.reporter.record_success(sent)
        if not self._introduced:
            self.state.put("centre", reply.centre or "")  # at joining it is not given where the clock is wrong
        self._introduced = True
        self._renew_lease(sent.at, reply.lease_seconds)
        acknowledged = {
            key: sent.observations[key] for key in map(tuple, reply.acknowledged) if key in sent.observations
        }
        self._update_desired(reply, {key for key, (_, final) in acknowledged.items() if final})
        for key in acknowledged:
            if key in sent.running and key in self.desired and not self.desired[key].cancel:
                self.reconciler.release_gate(self.desired[key])
        # only now: a run whose observation is acknowledged and whose gate stays shut would wait for ever
        self.state.record_acknowledged((*key, digest, final) for key, (digest, final) in acknowledged.items())
        offsets = ((sent.logs[uid], end) for uid, end in reply.log_offsets.items() if uid in sent.logs)
        self.state.record_log_offsets(
            (run.uid, run.lease, end - run.log_base) for run, end in offsets if end >= run.log_base
        )
        self.usage_reporter.record_reply(reply, int(sent.at))
        self.seal_signer.answer(reply.seals)
        for piece in reply.pieces:
            self.workdirs.receive(piece)
        self.tunnels.want(
            reply.relay,
            {
                key: run_name(job.uid, job.run)
                for key, job in self.desired.items()
                if job.session and not job.cancel and key in sent.running
            },
        )
        self.files.take(reply.questions)
        for uid, run in reply.outputs_noted:
            self.kept.record_noted(uid, run)
        if self.self_check:
            self.self_check.record_reply(reply.health_wanted)
        self.reconciler.close_finished(sent.at)
        self.files.measure_kept()
        self.reconciler.reconcile(self.desired, sent.at, behind=reply.behind)

    def _update_desired(self, reply: SyncReply, over: set[RunLease]) -> None:
        """What is wanted now: all that came, or what was known without the runs that are over and with those added."""
        if reply.desired is not None:
            self.desired = {(job.uid, job.lease): job for job in reply.desired}
        else:
            self.desired = {key: job for key, job in self.desired.items() if key not in over}
            self.desired |= {(job.uid, job.lease): job for job in reply.added}
        known = digest(mark(job.uid, job.run, job.lease, job.cancel) for job in self.desired.values())
        self._held = known if known == reply.held else ""  # "": asks for everything

    def _renew_lease(self, sent_at: float, seconds: int) -> None:
        """How long runs at the gate may wait: counted by this clock from before the platform was asked."""
        draft = self.lease_file.with_suffix(".new")
        draft.write_text(f"{int(sent_at) + seconds}\n", encoding="ascii")
        draft.chmod(0o644)
        draft.replace(self.lease_file)

    # --- the agent's own end

    def end_jobs(self, reason: str) -> None:
        """Ask every run to end."""
        for run in self.state.open_runs():
            if not run.verdict and not run.ending:
                self.engine.cancel(run.name, reason)

    @property
    def has_running_jobs(self) -> bool:
        """Whether a run that the agent is responsible for is not over."""
        seen = self.reporter.observe(self.state.open_runs())
        return any(not observation.state.final for observation in seen.values())

    def _log_once(self, text: str) -> None:
        """Log a line unless it is the same as the last one."""
        if text != self._last_logged:
            self._last_logged = text
            self._log(text)


def _awaits_usage(run: Run, seen: Observation | None) -> bool:
    """Whether the run is over and its last usage is not queued yet."""
    return seen is not None and seen.state.final and not (run.verdict or run.metered)
