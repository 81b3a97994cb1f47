"""The processes that train together: given ranks on this machine, or those of a job of torchrun or Slurm."""

import atexit
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed
from pytorch_lightning.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.rank_watch import RankWatch, connect_ranks

# Preparation and fine-tuning may take days while the other ranks wait; that the first one died is noticed at once.
_WAIT = timedelta(days=365)


class GivenRank(LightningEnvironment):
    """One of `world_size` processes on this machine that find each other at `port`, whatever the environment says.

    Lightning then starts no process. With one process, the port is not used.
    """

    creates_processes_externally = True
    main_address = "127.0.0.1"

    def __init__(self, rank: int = 0, world_size: int = 1, port: int = 0) -> None:
        super().__init__()
        self._world_size, self._main_port = world_size, port
        self.set_global_rank(rank)

    def local_rank(self) -> int:
        return self.global_rank()

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        """Leave WORLD_SIZE, which may be a job's."""


@contextmanager
def threads_kept() -> Iterator[None]:
    """Inside, Lightning leaves torch's number of threads as it is.

    Where OMP_NUM_THREADS is not set, its launcher of DDP sets cores / devices of them at the start of a training, and
    the variable, which later processes inherit.
    """
    is_set = "OMP_NUM_THREADS" in os.environ
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    try:
        yield
    finally:
        if not is_set:
            del os.environ["OMP_NUM_THREADS"]


def waiting_group() -> Any:
    """Return a group of all ranks whose `barrier` waits as long as it takes; every rank calls this.

    The groups that sum gradients give up after minutes, which the first rank may spend on work of its own.
    """
    return torch.distributed.new_group(backend="gloo", timeout=_WAIT)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def leave_groups() -> None:
    """Let the threads of all groups of ranks end, where there are any, while Python still runs.

    A thread that lets go of a message's tensor later, when Python has ended, ends the process by SIGABRT.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


class Job:
    """The processes that torchrun or srun started, connected until this one ends.

    All run the same command; the first does everything, and `call`s the others, who `listen`, to a training. `watch`
    notices which of them is gone.
    """

    def __init__(self, uses_gpu: bool, end: Callable[[int | None], None]) -> None:
        """Wait until all processes are connected; `end` is the watch's. Raises InputError where srun lacks
        --ntasks-per-node, or machines do not reach each other."""
        try:
            # Slurm's requeue signal is StopRequests', whose checkpoint lies at the end of an update
            detected = TorchElasticEnvironment.detect()
            self.environment = TorchElasticEnvironment() if detected else SLURMEnvironment(auto_requeue=False)
        except RuntimeError as error:
            raise InputError(" ".join(str(error).split())) from error
        self.rank, self.world_size = self.environment.global_rank(), self.environment.world_size()
        os.environ["MASTER_ADDR"] = self.environment.main_address
        os.environ["MASTER_PORT"] = str(self.environment.main_port)
        if uses_gpu:
            torch.cuda.set_device(self.environment.local_rank())
        backend = "cpu:gloo,cuda:nccl" if uses_gpu else "gloo"
        torch.distributed.init_process_group(backend, rank=self.rank, world_size=self.world_size)
        atexit.register(leave_groups)
        self._control = torch.distributed.new_group(backend="gloo", timeout=_WAIT)
        address = self.environment.main_address
        try:
            connections = connect_ranks(self.rank, self.world_size, address, self._exchange)
        except OSError as error:
            raise InputError(
                f"rank {self.rank}: no connection with the first rank at {address} ({error}); let machines of a job "
                "reach each other's ports"
            ) from error
        self.watch = RankWatch(self.rank, connections, end)

    def call(self, message: Any) -> None:
        """Send the first rank's message to all that listen."""
        self._exchange(message)

    def listen(self) -> Any:
        """Wait for the first rank's next message."""
        return self._exchange(None)

    def _exchange(self, message: Any) -> Any:
        messages = [message]
        torch.distributed.broadcast_object_list(messages, src=0, group=self._control)
        return messages[0]
