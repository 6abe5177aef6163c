"""A one-node Slurm cluster on loopback, of the daemons Debian packages, that ends with the test."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
_ACCOUNTING = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacctmgr")
_MEMORY_MB = 8000
"""What the node claims to have, as its CPUs: whatever the machine has, tests do not depend on it."""


def why_absent(*, accounting: bool = False) -> str:
    """Return why no cluster can be started here, or nothing where one can."""
    if os.geteuid() != 0:
        return "slurmd starts jobs for others, so the test cluster needs root"
    missing = [name for name in (*_DAEMONS, *(_ACCOUNTING if accounting else ())) if shutil.which(name) is None]
    return f"Slurm is not installed: {', '.join(missing)} missing" if missing else ""


@dataclass
class Cluster:
    """Daemons with their files under ``folder``; :meth:`start` returns when a job could run."""

    folder: Path
    accounting: bool = False
    cpus: int = 8
    grace_seconds: int = 5
    kill_wait_seconds: int = 3
    warns: bool = True
    """Whether preemption sends the signal that jobs have asked for, as sites may configure."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        """Start all daemons."""
        self._write_files()
        self._start("munged", *self._munge_options())
        _until(lambda: (self.folder / "munge.socket").exists(), "munged")
        if self.accounting:
            self._start_database()
        self.start_controller()
        self._start("slurmd", "-D", "-N", self._host)
        _until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "slurmd")
        if self.accounting:
            self.ask("sacctmgr", "-i", "add", "account", "tests", "cluster=tests")
            self.ask("sacctmgr", "-i", "add", "user", "root", "account=tests")

    def stop(self) -> None:
        """End the daemons, the last started first, and wait for each."""
        for name in reversed(list(self._running)):
            self._end(name)

    def start_controller(self) -> None:
        """Start slurmctld, for instance after :meth:`stop_controller`; its jobs are still there."""
        self._start("slurmctld", "-D", "-i")
        _until(lambda: "UP" in self.ask("scontrol", "ping"), "slurmctld")

    def stop_controller(self) -> None:
        """Take the controller away; jobs run on."""
        self._end("slurmctld")

    def ask(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it said."""
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout

    def jobs(self) -> dict[int, str]:
        """Return the state of each job the controller knows."""
        lines = self.ask("squeue", "--noheader", "--array", "--states=all", "--format=%A %T").splitlines()
        return {int(job): state for job, state in (line.split() for line in lines)}

    def restarts(self, job: int) -> int:
        """Return how often Slurm has queued the job again."""
        words = self.ask("scontrol", "--oneliner", "show", "job", str(job)).split()
        return next((int(word.partition("=")[2]) for word in words if word.startswith("Restarts=")), 0)

    def queries(self) -> str:
        """Return the controller's log."""
        return (self.folder / "slurmctld.log").read_text(errors="replace")

    @property
    def _host(self) -> str:
        return socket.gethostname().split(".")[0]

    def _start(self, name: str, *options: str, environment: Mapping[str, str] | None = None) -> None:
        log = (self.folder / f"{name}.out").open("ab")
        with log:
            self._running[name] = subprocess.Popen(
                [_path(name), *options],
                env=os.environ | self.environment | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _munge_options(self) -> list[str]:
        places = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        places["seed-file"] = "munge.seed"
        return ["--foreground", "--force", *(f"--{name}={self.folder / file}" for name, file in places.items())]

    def _start_database(self) -> None:
        data, mysql = self.folder / "mysql", self.folder / "mysql.socket"
        if not data.exists():
            install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"]
            subprocess.run([*install, "--auth-root-authentication-method=socket"], check=True, capture_output=True, timeout=120)
        options = ["--no-defaults", "--user=root", f"--datadir={data}", f"--socket={mysql}", "--skip-networking"]
        self._start("mariadbd", *options, "--innodb-buffer-pool-size=64M", f"--pid-file={self.folder / 'mysql.pid'}")
        _until(mysql.exists, "mariadbd")
        self._start("slurmdbd", "-D", "-s", environment={"MYSQL_UNIX_PORT": str(mysql)})
        _until(lambda: _answers(self._database_port), "slurmdbd")
        # It must be known before a fresh controller asks; the database may take a moment to open its tables.
        _until(lambda: "tests" in self._add_cluster(), "the accounting database")

    def _add_cluster(self) -> str:
        self.ask("sacctmgr", "-i", "add", "cluster", "tests")
        return self.ask("sacctmgr", "--noheader", "show", "cluster", "format=cluster")

    def _write_files(self) -> None:
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        for number in range(2):
            (self.folder / f"gpu{number}").touch()
        controller, node, self._database_port = _free_ports(3)
        (self.folder / "gres.conf").write_text(
            f"AutoDetect=off\nNodeName={self._host} Name=gpu Type=fake File={self.folder}/gpu[0-1]\n"
        )
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=autodetect\nConstrainCores=no\n")
        (self.folder / "slurm.conf").write_text(self._slurm_conf(controller, node))
        database = self.folder / "slurmdbd.conf"
        database.write_text(self._slurmdbd_conf())
        database.chmod(0o600)

    def _slurm_conf(self, controller: int, node: int) -> str:
        base, host = self.folder, self._host
        storage = "AccountingStorageType=accounting_storage/none"
        if self.accounting:
            storage = (
                "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
                f"AccountingStoragePort={self._database_port}\nAccountingStoragePass={base}/munge.socket"
            )
        grace = f"GraceTime={self.grace_seconds}"
        return f"""\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={base}/munge.socket,cred_expire=10
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd.log
SlurmctldParameters={"preempt_send_user_signal" if self.warns else "enable_configless"}
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=60
MinJobAge=300
KillWait={self.kill_wait_seconds}
InactiveLimit=0
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1,defer_batch=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
{storage}
NodeName={host} NodeAddr=127.0.0.1 CPUs={self.cpus} RealMemory={_MEMORY_MB} Gres=gpu:fake:2 State=UNKNOWN
PartitionName=DEFAULT Nodes={host} State=UP DefMemPerCPU=500 MaxTime=2-00:00:00 DefaultTime=01:00:00
PartitionName=cpu Default=YES PriorityTier=10 PreemptMode=OFF
PartitionName=gpu PriorityTier=10 PreemptMode=OFF
PartitionName=interruptible_cpu PriorityTier=1 PreemptMode=REQUEUE {grace}
PartitionName=interruptible_gpu PriorityTier=1 PreemptMode=REQUEUE {grace}
PartitionName=cancelled_cpu PriorityTier=1 PreemptMode=CANCEL {grace}
PartitionName=down State=DOWN
"""

    def _slurmdbd_conf(self) -> str:
        base = self.folder
        return f"""\
AuthType=auth/munge
AuthInfo=socket={base}/munge.socket
DbdHost={self._host}
DbdAddr=127.0.0.1
DbdPort={self._database_port}
SlurmUser=root
LogFile={base}/slurmdbd.log
PidFile={base}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct
CommunicationParameters=NoInAddrAny
"""


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Run a cluster; whatever happens, its daemons end."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _path(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, name
    return found


def _free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, below those that the system gives to whoever asks for any."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not start within {seconds} s"
        time.sleep(0.1)
