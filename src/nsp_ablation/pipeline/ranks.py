"""The ranks of a pre-training: started here for one machine, or called where torchrun or srun started them.

The first rank is this process: it prepares, exports and reports. The others take part in pre-training, and in what
follows (`task_ranks.py`). None of them re-enters Hydra: they are given the configuration of the cell. (Lightning's
launchers start ranks by running the command again or by pickling the trainer; torch elastic restarts what failed, and
names no rank.)
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NoReturn

import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment

from nsp_ablation.base.errors import InputError, StatedError
from nsp_ablation.base.interrupts import Stopped, requests_blocked, unblock_requests
from nsp_ablation.base.process import end_with_parent, job_rank, local_rank, set_up_cpu
from nsp_ablation.base.shared_disks import check_shared_locks
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.signals import never_stops
from nsp_ablation.learning.engine.training import DivergedError
from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.learning.engine.training_processes import GivenRank, Job, free_port, leave_groups
from nsp_ablation.pipeline.console import say_error

TakePart = Callable[[Config, ClusterEnvironment], None]

_END_SECONDS = 60.0  # a rank that is still there so long after the first one's training has ended is in a deadlock
_PR_SET_PDEATHSIG = 1
_ON_ALL_RANKS = (DivergedError, Stopped)
_connected = cache(Job)


@contextmanager
def ranks(config: Config, take_part: TakePart, run: Path) -> Iterator[ClusterEnvironment]:
    """Give the first rank's environment for a training in which all others take part.

    The output of ranks that are started here goes to `run`/rank<N>.log. Raises InputError where several machines are
    asked for, but only this process was started, and RuntimeError where another rank failed.
    """
    trainer = config.trainer
    world_size = trainer.devices * trainer.num_nodes
    if job_rank() is not None:
        with shared_threads(config), in_existing_job(config, take_part) as environment:
            yield environment
    elif trainer.num_nodes > 1:
        raise InputError(
            f"trainer.num_nodes={trainer.num_nodes}: start one process per device on every machine, by srun or "
            "torchrun, or set trainer.num_nodes=1"
        )
    elif world_size == 1:
        yield GivenRank()
    else:
        with shared_threads(config), _local_ranks(config, take_part, run, world_size) as environment:
            yield environment


def run_first_rank(config: Config, run_cell: Callable[[], int]) -> int:
    """Run a cell as the first rank of a job and tell the others how it ended; return its status.

    A configuration that asks for another number of processes than there are is an error of the cell.
    """
    connection, trainer = job_of(config), config.trainer
    status = 1
    try:
        if trainer.num_nodes > 1:
            check_shared_locks((config.paths.artifacts, config.paths.results))
        if trainer.devices * trainer.num_nodes == connection.world_size:
            with connection.watch.watched():
                status = run_cell()
        else:
            say_error(
                f"trainer.devices={trainer.devices} trainer.num_nodes={trainer.num_nodes}: torchrun or srun started "
                f"{connection.world_size} processes; set them to the processes of a machine, and the machines, whose "
                "number stays (no --nnodes=MIN:MAX)"
            )
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
        raise
    finally:
        connection.call(status)
    return status


def serve_other_ranks(config: Config) -> int:
    """Take part in whatever the first rank calls to, until it says how its cell ended; return the status.

    Raises SystemExit where the first rank was asked to stop.
    """
    connection = job_of(config)
    with never_stops(), shared_threads(config), connection.watch.watched():
        try:
            status = _serve(connection)
        except RuntimeError:  # of a sum of gradients, most often, since another rank is gone
            connection.watch.wait_for_loss()
            raise
    if status > 128:
        sys.exit(status)
    return status


def _serve(connection: Job) -> int:
    """Do what the first rank calls to, and return how its cell ended."""
    while not isinstance(message := connection.listen(), int):
        call, arguments = message
        with suppress(*_ON_ALL_RANKS):  # the first one says so
            call(*arguments, connection.environment)
    return message


@contextmanager
def in_existing_job(config: Config, take_part: TakePart) -> Iterator[ClusterEnvironment]:
    """Call the job's other processes to the training, and end them all where this one fails alone."""
    connection = job_of(config)
    connection.call((take_part, (config,)))
    try:
        yield connection.environment
    except _ON_ALL_RANKS:
        raise
    except Exception as error:  # the others wait in the midst of an update, and would for ever
        connection.watch.wait_for_loss()
        say_error(f"{error} (this ends all ranks)")
        os._exit(1)


def job_of(config: Config) -> Job:
    """Return the job of torchrun or srun that this process belongs to, connected on first use."""
    return _connected(torch_device(config.trainer).type == "cuda", _end_job)


def _end_job(lost: int | None) -> NoReturn:
    """End this process, since a rank is gone; one process of each machine says which, if the first rank could not."""
    if lost is not None and (job_rank() in (0, 1) or local_rank() == 0):
        say_error(f"rank {lost} is gone, which ends all ranks; the same command goes on from the last checkpoint")
    os._exit(1)


@contextmanager
def _local_ranks(config: Config, take_part: TakePart, run: Path, world_size: int) -> Iterator[ClusterEnvironment]:
    run.mkdir(parents=True, exist_ok=True)
    port, context = free_port(), get_context("spawn")
    logs = {rank: run / f"rank{rank}.log" for rank in range(1, world_size)}
    others = {
        rank: context.Process(target=_local_rank, args=(config, take_part, rank, world_size, port, log))
        for rank, log in logs.items()
    }
    with requests_blocked():
        for process in others.values():
            process.start()
    try:
        yield GivenRank(0, world_size, port)
    except StatedError:  # of all ranks, or of this one, whose end the others notice
        raise
    except Exception as error:
        raise RuntimeError(f"{error}{_failures(others, logs)}") from error
    finally:
        leave_groups()
        join_or_kill(others)


def _failures(others: Mapping[int, BaseProcess], logs: dict[int, Path]) -> str:
    """Return how the other ranks failed, with the last line that each wrote; nothing where none did."""
    leave_groups()
    join_or_kill(others)
    text = ""
    for rank, process in others.items():
        if process.exitcode:
            lines = logs[rank].read_text(errors="replace").splitlines() if logs[rank].exists() else []
            text += f"; rank {rank} ended with {process.exitcode}: {lines[-1] if lines else ''}"
    return text


def join_or_kill(others: Mapping[int, BaseProcess]) -> None:
    """Wait for other ranks of this machine, a minute each, and kill those that are still there."""
    for process in others.values():
        process.join(_END_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()


def _local_rank(config: Config, take_part: TakePart, rank: int, world_size: int, port: int, log: Path) -> None:
    """Be rank `rank`, from 1, of this machine, in a process of its own."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # also where no thread can run
    end_with_parent()
    log.unlink(missing_ok=True)  # what lies there may be a link to a file of others
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    set_up_cpu()
    with never_stops(), shared_threads(config):
        unblock_requests()
        try:
            with suppress(*_ON_ALL_RANKS):  # the first one says so
                take_part(config, GivenRank(rank, world_size, port))
        finally:
            leave_groups()


@contextmanager
def shared_threads(config: Config) -> Iterator[None]:
    """Inside, the ranks of a machine share its cores, unless `model.num_threads` is given."""
    before = torch.get_num_threads()
    if config.model.num_threads is None and torch_device(config.trainer).type == "cpu":
        torch.set_num_threads(max(1, before // config.trainer.devices))
    try:
        yield
    finally:
        torch.set_num_threads(before)
