"""A whole Slurm cluster in a temporary folder: munge, database, accounting, controller, three nodes, two card models.

Real daemons, imitated cards: two nodes of eight `gpu:a100`, one of eight `npu:910b3`. Everything runs in the foreground
under the process that started it and goes when that goes, even by SIGKILL (slurm_remains.py).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from support import slurm_remains
from support.ports import free_port

PROGRAMS = (
    *("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "slurmrestd"),
    *("sbatch", "squeue", "scontrol", "scancel", "sacct", "sacctmgr", "sinfo", "setpriv"),
)
NODES = {"gpu01": "gpu:a100", "gpu02": "gpu:a100", "npu01": "npu:910b3"}
CARDS_PER_NODE = 8
START_WITHIN = 180
ACCOUNT, CLUSTER = "anhui", "ah"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def lacking() -> str:
    """Why no cluster can be had here; "" where it can."""
    if os.geteuid() != 0:
        return "only root can start a Slurm cluster of several users"
    missing = [name for name in PROGRAMS if shutil.which(name, path=SYSTEM_PATH) is None]
    return f"Slurm is not installed ({', '.join(missing)} missing); setup/slurm.sh installs it" if missing else ""


class Cluster:
    """The cluster in `folder`; `environment` is what Slurm's commands need to find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.environment = {
            "PATH": SYSTEM_PATH,
            "SLURM_CONF": str(folder / "slurm.conf"),
            "MYSQL_UNIX_PORT": str(folder / "mysql.sock"),
            "TZ": "Asia/Shanghai",  # as centres have it: what is metered must not depend on it
        }
        self.rest_port = 0
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._reaper: subprocess.Popen[bytes] | None = None

    # --- up and down

    def start(self) -> None:
        """Bring everything up, each part as soon as what it needs is there."""
        # in a session of its own: what ends the tests' whole group must not end who tidies up after them
        self._reaper = subprocess.Popen(
            [sys.executable, slurm_remains.__file__, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        names = ("dev", "log", "run", "ctld", "munge", *(f"spool-{node}" for node in NODES))
        for name in names:
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        for number in range(CARDS_PER_NODE):
            os.mknod(self.folder / "dev" / f"gpu{number}", 0o600 | 0o020000, os.makedev(1, 3))
        self._write_settings()
        self._munge()
        self._database()
        self.start_accounting()
        self._accounts()
        self.start_controller(first=True)
        for node in NODES:
            self._run_daemon(node, "slurmd", "-D", "-N", node)
        idle = {f"{node} idle" for node in NODES}
        self._until("the nodes", lambda: set(self.command("sinfo", "-h", "-N", "-o", "%N %t").splitlines()) == idle)

    def stop(self) -> None:
        """Bring everything down and remove the folder."""
        if controller := self._daemons.get("slurmctld"):
            controller.terminate()  # with its leave it takes its helper along
            with contextlib.suppress(subprocess.TimeoutExpired):
                controller.wait(5)
        for daemon in reversed(self._daemons.values()):
            daemon.kill()
        for daemon in self._daemons.values():
            daemon.wait()
        if self._reaper and self._reaper.stdin:
            self._reaper.stdin.close()
            self._reaper.wait()

    def start_controller(self, first: bool = False) -> None:
        """Start slurmctld; `first` without the state of an earlier one."""
        self._run_daemon("slurmctld", "slurmctld", "-D", *(["-i"] if first else []))
        self._until("slurmctld", lambda: self.works("scontrol", "ping"))

    def written_down(self, change: Callable[[], object]) -> None:
        """Wait until the controller has written down everything up to now; it does so within seconds of a change."""
        before = time.time()
        change()
        state = self.folder / "ctld" / "job_state"
        self._until("the controller's state", lambda: state.exists() and state.stat().st_mtime > before)

    def kill(self, name: str) -> None:
        """End a daemon (slurmctld, slurmdbd, a node) as a power cut would."""
        self._daemons[name].kill()
        self._daemons.pop(name).wait()

    def end(self, name: str) -> None:
        """End a daemon as its operator would."""
        self._daemons[name].terminate()
        self._daemons.pop(name).wait(20)

    def start_accounting(self) -> None:
        """Start slurmdbd."""
        self._run_daemon("slurmdbd", "slurmdbd", "-D")
        self._until("slurmdbd", lambda: self.works("sacctmgr", "-n", "list", "cluster"))

    def start_rest(self, port: int | None = None) -> str:
        """Start slurmrestd, which refuses to be root; its address."""
        self.rest_port = port or free_port()
        self._run_daemon(
            "slurmrestd",
            *("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--pdeathsig", "KILL"),
            *("slurmrestd", "-a", "rest_auth/jwt", "-s", "openapi/v0.0.38,openapi/dbv0.0.38"),
            f"127.0.0.1:{self.rest_port}",
            environment={"SLURM_JWT": "daemon"},
        )
        self._until("slurmrestd", lambda: listens(self.rest_port))
        return f"http://127.0.0.1:{self.rest_port}"

    def token(self) -> str:
        """A token with which root may speak to slurmrestd for an hour."""
        return self.command("scontrol", "token", "username=root", "lifespan=3600").strip().removeprefix("SLURM_JWT=")

    # --- commands

    def command(self, *words: str) -> str:
        """What a command of Slurm's prints.

        Raises:
            AssertionError: it failed.
        """
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def running(self) -> list[str]:
        """The command lines of everything that runs of this cluster, job steps among it."""
        lines = []
        for process in slurm_remains.remains(self.folder):
            with contextlib.suppress(psutil.Error):
                lines.append(" ".join(process.cmdline()))
        return lines

    def sql(self, statement: str) -> None:
        """Have the accounting's database do something."""
        sock = self.environment["MYSQL_UNIX_PORT"]
        self.command("mariadb", "--no-defaults", f"--socket={sock}", "-e", statement)

    def works(self, *words: str) -> bool:
        """Whether a command succeeds."""
        with contextlib.suppress(AssertionError):
            self.command(*words)
            return True
        return False

    def _run_daemon(self, name: str, *words: str, environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def _until(self, what: str, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_WITHIN
        while not there():
            dead = [name for name, daemon in self._daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in (self.folder / "log").iterdir())
                raise RuntimeError(f"{what} did not come up (dead: {dead}):\n{logs}")
            time.sleep(0.02)

    # --- parts

    def _munge(self) -> None:
        place = self.folder / "munge"
        place.chmod(0o755)
        (place / "key").write_bytes(secrets.token_bytes(128))
        (place / "key").chmod(0o600)
        files = ("--key-file=key", "--pid-file=pid", "--log-file=log", "--seed-file=seed")
        rest = [f"{flag}={place / name}" for flag, name in (one.split("=") for one in files)]
        self._run_daemon("munged", "munged", "-F", "--force", f"--socket={place}/sock", *rest)
        self._until("munged", (place / "sock").exists)

    def _database(self) -> None:
        data, sock = self.folder / "mysql", self.environment["MYSQL_UNIX_PORT"]
        scratch = self.folder / "mysql-tmp"  # its own: one that starts removes what it takes for leftovers of another
        scratch.mkdir()
        fast = (
            "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
            f"--tmpdir={scratch}",
        )  # fmt: skip
        install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"]
        installed = subprocess.run(
            [*install, "--auth-root-authentication-method=socket", *fast],
            env=self.environment,
            capture_output=True,
            check=False,
        )
        assert installed.returncode == 0, installed.stderr.decode()
        options = (f"--datadir={data}", f"--socket={sock}", "--skip-networking", "--user=root", "--skip-name-resolve")
        self._run_daemon("mariadbd", "mariadbd", "--no-defaults", *options, *fast)
        self._until("mariadbd", lambda: self.works("mariadb", "--no-defaults", f"--socket={sock}", "-e", "SELECT 1"))
        make = ("CREATE DATABASE slurm_acct_db", "CREATE USER slurm@localhost", "GRANT ALL ON *.* TO slurm@localhost")
        self.sql(";".join(make))

    def _accounts(self) -> None:
        self.command("sacctmgr", "-i", "add", "cluster", CLUSTER)
        self.command("sacctmgr", "-i", "add", "account", ACCOUNT, f"Cluster={CLUSTER}")
        for user in ("root", "nobody"):
            self.command("sacctmgr", "-i", "add", "user", user, f"Account={ACCOUNT}")

    def _write_settings(self) -> None:
        run, host = self.folder, self.host
        controller, accounting = free_port(), free_port()
        (run / "jwt.key").write_bytes(secrets.token_bytes(32))
        (run / "jwt.key").chmod(0o600)
        auth = f"""AuthType=auth/munge
AuthInfo=socket={run}/munge/sock
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={run}/jwt.key
SlurmUser=root
"""
        dbd = f"""DbdHost=localhost
DbdPort={accounting}
PidFile={run}/run/slurmdbd.pid
LogFile={run}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageUser=slurm
StorageLoc=slurm_acct_db
CommitDelay=1
"""
        (run / "slurmdbd.conf").write_text(auth + dbd)
        (run / "slurmdbd.conf").chmod(0o600)
        nodes = "".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=32 RealMemory=256000 "
            f"Gres={kind}:{CARDS_PER_NODE}\n"
            for node, kind in NODES.items()
        )
        (run / "slurm.conf").write_text(f"""{auth}ClusterName={CLUSTER}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
StateSaveLocation={run}/ctld
SlurmdSpoolDir={run}/spool-%n
SlurmctldPidFile={run}/run/slurmctld.pid
SlurmdPidFile={run}/run/slurmd-%n.pid
SlurmctldLogFile={run}/log/slurmctld.log
SlurmdLogFile={run}/log/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=2
MinJobAge=20
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,requeue_delay=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=4096
GresTypes=gpu,npu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStoragePass={run}/munge/sock
AccountingStorageEnforce=associations
AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/npu,gres/npu:910b3
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
{nodes}PartitionName=a100 Nodes=gpu[01-02] Default=YES State=UP MaxTime=7-00:00:00 PriorityTier=1
PartitionName=ascend Nodes=npu01 State=UP MaxTime=INFINITE
PartitionName=urgent Nodes=gpu[01-02] State=UP MaxTime=60 MaxNodes=1 PriorityTier=9
""")
        (run / "gres.conf").write_text(f"""AutoDetect=off
NodeName=gpu[01-02] Name=gpu Type=a100 File={run}/dev/gpu[0-7]
NodeName=npu01 Name=npu Type=910b3 Count={CARDS_PER_NODE}
""")
        (run / "cgroup.conf").write_text("CgroupAutomount=no\n")


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
