"""The processes that train together: given ranks on this machine, or those of a job of torchrun or Slurm."""

import os
import socket
from datetime import timedelta
from typing import Any

import torch
import torch.distributed
from pytorch_lightning.plugins.environments import ClusterEnvironment, SLURMEnvironment, TorchElasticEnvironment
from pytorch_lightning.utilities import rank_zero_only

# Preparation and fine-tuning may take days while the other ranks wait; that the first one died is noticed at once.
_WAIT = timedelta(days=365)


class GivenRank(ClusterEnvironment):
    """One of `world_size` processes on this machine that find each other at `port`, whatever the environment says.

    Lightning then starts no process. With one process, the port is not used.
    """

    def __init__(self, rank: int = 0, world_size: int = 1, port: int = 0) -> None:
        super().__init__()
        self._rank, self._world_size, self._port = rank, world_size, port
        rank_zero_only.rank = rank  # type: ignore[attr-defined]

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self._port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._world_size

    def set_world_size(self, size: int) -> None:
        assert size == self._world_size, (size, self._world_size)

    def global_rank(self) -> int:
        return self._rank

    def set_global_rank(self, rank: int) -> None:
        assert rank == self._rank, (rank, self._rank)

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Job:
    """The processes that torchrun or srun started, connected until this one ends.

    All run the same command; the first does everything, and `call`s the others, who `listen`, to a training.
    """

    def __init__(self, uses_gpu: bool) -> None:
        """Wait until all processes are connected. Raises ValueError where srun lacks --ntasks-per-node."""
        try:
            # Slurm's requeue signal is StopRequests', whose checkpoint lies at the end of an update
            detected = TorchElasticEnvironment.detect()
            self.environment = TorchElasticEnvironment() if detected else SLURMEnvironment(auto_requeue=False)
        except RuntimeError as error:
            raise ValueError(" ".join(str(error).split())) from error
        self.rank, self.world_size = self.environment.global_rank(), self.environment.world_size()
        os.environ["MASTER_ADDR"] = self.environment.main_address
        os.environ["MASTER_PORT"] = str(self.environment.main_port)
        if uses_gpu:
            torch.cuda.set_device(self.environment.local_rank())
        backend = "cpu:gloo,cuda:nccl" if uses_gpu else "gloo"
        torch.distributed.init_process_group(backend, rank=self.rank, world_size=self.world_size)
        self._control = torch.distributed.new_group(backend="gloo", timeout=_WAIT)

    def call(self, message: Any) -> None:
        """Send the first rank's message to all that listen."""
        torch.distributed.broadcast_object_list([message], src=0, group=self._control)

    def listen(self) -> Any:
        """Wait for the first rank's next message."""
        received = [None]
        torch.distributed.broadcast_object_list(received, src=0, group=self._control)
        return received[0]
