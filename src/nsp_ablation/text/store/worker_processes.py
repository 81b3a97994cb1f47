"""Make calls in processes of their own, each with its share of the cores.

The processes are spawned, never forked: a fork would copy the locks of the encoder's threads. They import what the
function needs, and the main module.
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from nsp_ablation.base.errors import InputError, StatedError
from nsp_ablation.base.interrupts import ignore_requests, requests_blocked
from nsp_ablation.base.process import end_with_parent


def run_calls(
    function: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    num_processes: int,
    num_threads: int,
    setting: str = "corpus.num_processes",
) -> Generator[tuple[int, int | None], None, None]:
    """Run `function(*calls[i], report)` for all i and yield (i, n) for each `report(n)`, (i, None) when i has ended.

    Each of `num_processes` processes makes one call after the other with `num_threads` threads of `tokenizers`. Raises
    a call's StatedError, another exception of a call as RuntimeError, and InputError, which names `setting`, if a
    process dies. All processes have ended when this ends, whatever ended it; they end by themselves if this process is
    killed.
    """
    with closing(run_all_calls(function, calls, num_processes, num_threads, setting)) as events:
        for number, told in events:
            if isinstance(told, Exception):
                raise told
            yield number, told


def run_all_calls(
    function: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    num_processes: int,
    num_threads: int,
    setting: str,
) -> Generator[tuple[int, int | Exception | None], None, None]:
    """Do as `run_calls`, but make every call: one that fails, or whose process dies, ends with (i, its exception)."""
    waiting = deque(enumerate(calls))
    processes: dict[Connection, BaseProcess] = {}
    running: dict[Connection, int] = {}
    try:
        while running or waiting:
            while waiting and len(running) < num_processes:
                idle = next((connection for connection in processes if connection not in running), None)
                if idle is None:
                    idle, processes[idle] = _start(function, num_threads)
                running[idle] = _send_next(idle, waiting)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                number, told = running[ready], _receive(ready, processes[ready], setting)
                if told is None or isinstance(told, Exception):
                    del running[ready]
                    if not processes[ready].is_alive():
                        _end(ready, processes.pop(ready))
                yield number, told
    finally:
        for connection, process in processes.items():
            _end(connection, process)


def _end(connection: Connection, process: BaseProcess) -> None:
    process.kill()
    process.join()
    process.close()
    connection.close()


def _start(function: Callable[..., Any], num_threads: int) -> tuple[Connection, BaseProcess]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, function, num_threads), daemon=True)
    with requests_blocked():
        process.start()
    theirs.close()
    return ours, process


def _send_next(connection: Connection, waiting: deque[tuple[int, tuple[Any, ...]]]) -> int:
    """Send the next call and return its number; a process that died is noticed where its answer is awaited."""
    number, arguments = waiting.popleft()
    with suppress(BrokenPipeError):
        connection.send(arguments)
    return number


def _receive(connection: Connection, process: BaseProcess, setting: str) -> int | Exception | None:
    """Return what a call reports, None when it has ended, what it raised, or InputError if its process died."""
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        return _death(process, setting)


def _death(process: BaseProcess, setting: str) -> InputError:
    process.join()
    code = process.exitcode or 0
    how = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"
    return InputError(
        f"a process of the preparation {how}, often for want of memory; finished shards are kept: run again, with a "
        f"smaller {setting}"
    )


def _serve(connection: Connection, function: Callable[..., Any], num_threads: int) -> None:
    """Make the calls that come through `connection`, until the process is ended from outside."""
    ignore_requests()  # the parent ends us
    os.environ["RAYON_NUM_THREADS"] = str(num_threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if num_threads > 1 else "false"
    end_with_parent()
    while True:
        arguments = connection.recv()
        try:
            function(*arguments, connection.send)
        except StatedError as error:
            connection.send(type(error)(str(error)))
        except Exception as error:
            told = RuntimeError(f"{type(error).__name__}: {error}")
            told.add_note(traceback.format_exc())
            connection.send(told)
        else:
            connection.send(None)
