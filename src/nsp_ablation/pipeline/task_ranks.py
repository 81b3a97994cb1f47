"""The ranks that share what follows pre-training, one fine-tuning or probe at a time each.

They are started here for one machine, or called where torchrun or srun started them.
"""

import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import AuthenticationError, get_context
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.process import BaseProcess

import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment

from nsp_ablation.base.display import guard_terminal
from nsp_ablation.base.interrupts import Stopped, requests_blocked
from nsp_ablation.base.process import job_rank, set_up_cpu
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.pipeline.cell_life import Hear
from nsp_ablation.pipeline.console import say_error
from nsp_ablation.pipeline.handout import Handout, PieceEnd, Work, take_pieces
from nsp_ablation.pipeline.ranks import job_of, join_or_kill, shared_threads
from nsp_ablation.reporting.records.sweep_cell import CellProgress

HearRank = Callable[[int, CellProgress], None]
MakeWork = Callable[[Hear], Work]  # makes, in another rank, what does a piece; progress is told to its argument

_SEEN_SECONDS = 5.0  # in which the status of a process whose connection broke is known


def shared_work(config: Config, pieces: list[str], work: Work, make_work: MakeWork, hear: Hear) -> dict[str, PieceEnd]:
    """Do pieces of work on all ranks, this one by `work`, others by what `make_work` makes; return how each ended.

    `hear` is told how far each rank is, the others by their number. Raises Stopped where a process is asked to stop,
    after all have saved what they do.
    """

    def hear_rank(rank: int, progress: CellProgress) -> None:
        hear(replace(progress, phase=f"{progress.phase} on rank {rank}"))

    share = _in_job if job_rank() is not None else _on_this_machine
    with shared_threads(config), share(config, pieces, make_work, hear_rank) as handout:
        handout.work_through(work)
        return handout.ends


@contextmanager
def _on_this_machine(config: Config, pieces: list[str], make_work: MakeWork, hear: HearRank) -> Iterator[Handout]:
    """Start as many processes as there are devices or pieces, beside this one."""
    context, others = get_context("spawn"), dict[int, BaseProcess]()
    handout = Handout(pieces, hear, lambda rank: _how_ended(others[rank]))
    try:
        with requests_blocked():
            for rank in range(1, min(config.trainer.devices, len(pieces))):
                ours, theirs = context.Pipe()
                others[rank] = context.Process(target=_local_rank, args=(config, rank, theirs, make_work))
                others[rank].start()
                theirs.close()  # so that its end is noticed
                handout.serve(rank, ours)
        yield handout
    except BaseException:
        handout.stop()
        raise
    finally:
        join_or_kill(others)


def _local_rank(config: Config, rank: int, connection: Connection, make_work: MakeWork) -> None:
    """Be rank `rank`, from 1, of this machine, in a process of its own, whose lines go where the first one's go."""
    guard_terminal()
    set_up_cpu()
    if torch_device(config.trainer).type == "cuda":
        torch.cuda.set_device(rank)
    with shared_threads(config):
        _take_part(connection, make_work)


def _take_part(connection: Connection, make_work: MakeWork) -> None:
    take_pieces(connection, make_work(lambda progress: connection.send(("hear", progress))))


def _how_ended(process: BaseProcess) -> str:
    process.join(_SEEN_SECONDS)
    if process.exitcode is None:
        return "is silent"
    if process.exitcode < 0:
        return f"was killed by {signal.Signals(-process.exitcode).name}"
    return f"ended with status {process.exitcode}"


@contextmanager
def _in_job(config: Config, pieces: list[str], make_work: MakeWork, hear: HearRank) -> Iterator[Handout]:
    """Call the job's other processes, which connect to this one. Where one is lost, all save and end."""
    job, lost, key = job_of(config), list[int](), secrets.token_bytes(32)

    def how_lost(rank: int) -> str:
        lost.append(rank)
        os.kill(os.getpid(), signal.SIGTERM)
        return "is gone"

    handout = Handout(pieces, hear, how_lost)
    with job.watch.watched(False), Listener(("", 0), authkey=key) as listener:  # ranks that are lost let others save
        accepting = threading.Thread(target=_accept, args=(listener, handout), name="other ranks", daemon=True)
        accepting.start()
        address = (job.environment.main_address, listener.address[1])
        job.call((_called, (config, address, key, make_work)))
        try:
            yield handout
        except Stopped as stop:
            if lost:
                say_error(f"rank {lost[0]} is gone, which ends all ranks; {stop.line}")
                os._exit(128 + stop.signum)  # the job cannot be told
            raise


def _accept(listener: Listener, handout: Handout) -> None:
    """Let the other ranks in as they come."""
    while True:
        try:
            connection = listener.accept()
            handout.serve(connection.recv(), connection)
        except (AuthenticationError, EOFError, ConnectionError):
            continue  # somebody else, or a rank that died
        except OSError:  # closed
            return


def _called(
    config: Config,
    address: tuple[str, int],
    key: bytes,
    make_work: MakeWork,
    environment: ClusterEnvironment,
) -> None:
    """Be another rank of a job."""
    with (
        job_of(config).watch.watched(False),
        suppress(ConnectionError),  # all was done before it came
        Client(address, authkey=key) as connection,
    ):
        connection.send(environment.global_rank())
        _take_part(connection, make_work)
