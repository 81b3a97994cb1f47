"""A cluster of Slurm on one machine: a controller and virtual nodes, in one directory, for any user.

Each node is a slurmd of its own, with an address of its own (127.0.0.1, 127.0.0.2), which is its name, since who
connects to a node must find it by that. Needs slurmctld, slurmd, slurm-client and munge (Debian, Ubuntu), changes
nothing outside the directory, and leaves no process when it is stopped:

    eval "$(python tests/slurm/cluster.py start DIRECTORY)"     # sets SLURM_CONF, which sbatch, srun and squeue read
    python tests/slurm/cluster.py stop DIRECTORY
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

NODES = ("127.0.0.1", "127.0.0.2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # daemons are not on every user's
_START_SECONDS = 60.0
_END_SECONDS = 30.0
_POLL_SECONDS = 0.1

# Ranks meet at a port that is made of their job's number, so clusters of one machine count from different ones.
# A credential's life is also how long a job waits that was put back into the queue. No cgroups, whose files a container
# may not write, and no accounting, which needs a database. Nodes claim more cores and memory than there may be.
_SETTINGS = """\
ClusterName=virtual
SlurmctldHost={host}({first})
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket,cred_expire=10
CredType=cred/munge
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool-%n
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd-%n.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
SlurmdTimeout=30
InactiveLimit=0
KillWait=5
MessageTimeout=60
MinJobAge=86400
FirstJobId={first_job}
ReturnToService=2
JobRequeue=1
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_NODE = "NodeName={node} NodeHostname={host} NodeAddr={node} Port={port} CPUs=8 RealMemory=65536 State=UNKNOWN\n"


class Cluster:
    """A controller and `NODES`, configured in `directory`, whose path is short: a socket's name has 108 letters."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.settings = self.directory / "slurm.conf"

    def start(self) -> None:
        """Start all daemons and wait until every node is idle. Raises RuntimeError where one is not, with the logs."""
        if missing := missing_programs():
            raise RuntimeError(f"not installed: {', '.join(missing)}")
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)  # which munge asks for
        key = self.directory / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        host, ports = socket.gethostname(), _free_ports(1 + len(NODES))
        text = _SETTINGS.format(
            host=host,
            first=NODES[0],
            ports=ports,
            user=pwd.getpwuid(os.getuid()).pw_name,
            directory=self.directory,
            first_job=1 + secrets.randbelow(9000),
        )
        nodes = [_NODE.format(node=node, host=host, port=port) for node, port in zip(NODES, ports[1:], strict=True)]
        self.settings.write_text(text + "".join(nodes))
        files = {"socket": "munge.socket", "key-file": key.name, "pid-file": "munged.pid", "log-file": "munged.log"}
        files |= {"seed-file": "munge.seed"}
        self._run("munged", *(f"--{option}={self.directory / name}" for option, name in files.items()))
        self._run("slurmctld", "-f", str(self.settings))
        for node in NODES:
            self.start_node(node)

    def start_node(self, node: str) -> None:
        """Start a node, the first time or again, and wait until jobs can be placed on it."""
        self._run("slurmd", "-f", str(self.settings), "-N", node)
        wait_until(lambda: self._state(node) == "idle", f"node {node} is not idle", self._logs, _START_SECONDS)

    def lose_node(self, node: str) -> None:
        """Kill everything of a node at once, as a cut of its power does: its slurmd, and its jobs' processes."""
        holders = self._holders(f"slurmd-{node}.log")
        for pid in [*holders, *_descendants(holders)]:
            _kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End all jobs and daemons; what is left of them after half a minute is killed."""
        if self.settings.is_file():
            subprocess.run(["scancel", "--user", str(os.getuid())], env=self.environment(), capture_output=True)
            deadline = time.monotonic() + _END_SECONDS
            while self.command("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        for signum in (signal.SIGTERM, signal.SIGKILL):
            holders = self._holders("")
            for pid in holders if signum == signal.SIGTERM else [*holders, *_descendants(holders)]:
                _kill(pid, signum)
            deadline = time.monotonic() + _END_SECONDS
            while self._holders("") and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)

    def environment(self) -> dict[str, str]:
        """Return the environment of a login node: commands of Slurm speak with this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.settings)}

    def command(self, *words: str) -> str:
        """Run a command of Slurm and return what it printed, its errors too."""
        return subprocess.run(
            words, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
        ).stdout.strip()

    def _run(self, program: str, *words: str) -> None:
        path = shutil.which(program, path=_PATH)
        assert path is not None
        marked = {**self.environment(), "PATH": _PATH}
        ended = subprocess.run([path, *words], env=marked, capture_output=True, text=True, timeout=_START_SECONDS)
        if ended.returncode:
            raise RuntimeError(f"{program} ended with status {ended.returncode}: {ended.stderr}\n{self._logs()}")

    def _state(self, node: str) -> str:
        return self.command("sinfo", "--noheader", f"--nodes={node}", "--format=%T")

    def _logs(self) -> str:
        tails = [(path.name, path.read_text(errors="replace")[-2000:]) for path in self.directory.glob("*.log")]
        return "\n".join(f"== {name}\n{text}" for name, text in sorted(tails))

    def _holders(self, name: str) -> list[int]:
        """Return the daemons that hold a log of this directory open whose name begins with `name`, without others."""
        logs = [path for path in self.directory.glob("*.log") if path.name.startswith(name)]
        found = []
        for process in _processes():
            try:
                is_daemon = (process / "comm").read_text().startswith(("slurm", "munged"))
                if is_daemon and any(Path(os.readlink(file)) in logs for file in (process / "fd").iterdir()):
                    found.append(int(process.name))
            except OSError:  # ended meanwhile, or another user's
                continue
        return found


def missing_programs() -> list[str]:
    """Return which programs of Slurm and munge are not installed."""
    return [program for program in PROGRAMS if shutil.which(program, path=_PATH) is None]


def wait_until(is_so: Callable[[], object], failure: str, details: Callable[[], str], seconds: float) -> None:
    """Ask until something is so. Raises RuntimeError with `failure` and `details` where it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{failure} after {seconds:.0f} s\n{details()}")
        time.sleep(_POLL_SECONDS)


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*")


def _descendants(pids: list[int]) -> list[int]:
    """Return the children of processes, and theirs."""
    parents = {}
    for process in _processes():
        try:
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, new = list[int](), set(pids)
    while new := {pid for pid, parent in parents.items() if parent in new}:
        found += new
    return found


def _kill(pid: int, signum: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"start", "stop"}:
        sys.exit(__doc__)
    cluster = Cluster(Path(sys.argv[2]))
    if sys.argv[1] == "start":
        cluster.start()
        print(f"export SLURM_CONF={cluster.settings}")
    else:
        cluster.stop()
