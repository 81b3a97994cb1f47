"""Work that several ranks share: each takes the next piece when it has ended one, the first rank too.

Pieces are texts that every rank understands. The first rank and another speak through a connection of
`multiprocessing`, in messages (kind, value): `free`, `ended`, `hear` and `stopped` to the first, `do`, `end` and `stop`
from it.
"""

import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from nsp_ablation.base.interrupts import ALL_REQUESTS, Stopped, stops_at_once

Work = Callable[[str], str | None]  # does a piece and returns why that failed, None where it did not

_STOP_SECONDS = 60.0  # in which a rank must have saved what it was asked to stop


@dataclass(frozen=True)
class PieceEnd:
    """What came of a piece: why it failed, or the mistake of ours in which it ended; neither where it is done.

    `is_lost`: its rank ended in its midst.
    """

    reason: str | None = None
    mistake: Exception | None = None
    is_lost: bool = False


class Handout:
    """The first rank's side: pieces in their order, and how those that were begun have ended.

    `hear(rank, progress)` is told what another rank says of its progress; `how_lost(rank)` returns how a rank ended
    whose connection broke. Both are called from another thread, while this rank is at work.
    """

    def __init__(self, pieces: Iterable[str], hear: Callable[[int, Any], None], how_lost: Callable[[int], str]) -> None:
        self.ends: dict[str, PieceEnd] = {}
        self._waiting = deque(pieces)
        self._hear, self._how_lost = hear, how_lost
        self._lock = threading.Lock()
        # an event each, not its thread: of a join that a signal interrupts, Python 3.11 takes the thread for ended
        self._served: list[tuple[threading.Event, Connection]] = []
        self._is_stopping = False

    def serve(self, rank: int, connection: Connection) -> None:
        """Hand pieces to another rank from now on, until none is left or its connection breaks."""
        ended = threading.Event()
        with self._lock:
            self._served.append((ended, connection))
        threading.Thread(target=self._serve, args=(rank, connection, ended), name=f"rank {rank}", daemon=True).start()

    def work_through(self, work: Work) -> None:
        """Do pieces until none is left, and wait for those of the others.

        Where this rank is asked to stop, the others save what they do, and Stopped passes on.
        """
        try:
            while (piece := self._next()) is not None:
                self._note(piece, _end_of(work, piece))
            for ended in self._all_ends():
                ended.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Let every other rank save what it does and end; wait for that, a minute at most."""
        with self._lock:
            self._is_stopping = True
            self._waiting.clear()
            for _, connection in self._served:
                with suppress(OSError):  # it has ended
                    connection.send(("stop", None))
        deadline = time.monotonic() + _STOP_SECONDS
        for ended in self._all_ends():
            ended.wait(max(0.0, deadline - time.monotonic()))

    def _all_ends(self) -> list[threading.Event]:
        with self._lock:
            return [ended for ended, _ in self._served]

    def _next(self) -> str | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _note(self, piece: str, end: PieceEnd) -> None:
        with self._lock:
            self.ends[piece] = end
            if end.mistake is not None:  # what was begun elsewhere ends, and nothing else begins
                self._waiting.clear()

    def _serve(self, rank: int, connection: Connection, ended: threading.Event) -> None:
        piece: str | None = None
        try:
            while True:
                kind, value = connection.recv()
                if kind == "hear":
                    self._hear(rank, value)
                    continue
                if kind == "stopped":
                    self._all_stop(value)
                    return
                if kind == "ended":
                    assert piece is not None
                    self._note(piece, value)
                piece = self._next()
                with self._lock:
                    connection.send(("end", None) if piece is None else ("do", piece))
                if piece is None:
                    return
        except (EOFError, OSError):
            if not self._is_stopping:
                reason = f"rank {rank} {self._how_lost(rank)}"
                if piece is not None:
                    reason += " in its midst; run the same command again, and it goes on from its last checkpoint"
                    self._note(piece, PieceEnd(reason, is_lost=True))
        finally:
            connection.close()
            ended.set()

    def _all_stop(self, signum: int) -> None:
        """Stop as if this process had been asked: a launcher may tell any of its processes."""
        if not self._is_stopping:
            os.kill(os.getpid(), signum)


def take_pieces(connection: Connection, work: Work) -> None:
    """Be another rank: do what the first one hands out, until nothing is left, it asks to stop, or it is gone.

    Requests to stop that reach a whole terminal or job are the first rank's, which passes them on as SIGTERM; of the
    signals only that is heard here, and what is being trained is then saved.
    """
    pieces: SimpleQueue[str | None] = SimpleQueue()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*ALL_REQUESTS} - {signal.SIGTERM})
    try:
        with stops_at_once(), suppress(OSError):  # the first rank is gone: nobody waits for a message
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            threading.Thread(target=_listen, args=(connection, pieces), name="first rank", daemon=True).start()
            try:
                connection.send(("free", None))
                while (piece := pieces.get()) is not None:
                    connection.send(("ended", _end_of(work, piece, is_sent=True)))
            except Stopped as stop:
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # the same request by another way
                connection.send(("stopped", stop.signum))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(connection: Connection, pieces: "SimpleQueue[str | None]") -> None:
    """Take what the first rank says, from a thread: the main one is at work."""
    while True:
        try:
            kind, value = connection.recv()
        except (EOFError, OSError):  # it is gone
            kind, value = "stop", None
        if kind == "stop":
            os.kill(os.getpid(), signal.SIGTERM)
            return
        pieces.put(value)
        if kind == "end":
            return


def _end_of(work: Work, piece: str, is_sent: bool = False) -> PieceEnd:
    """Do a piece. A mistake that `is_sent` to another process takes its traceback along as text."""
    try:
        return PieceEnd(work(piece))
    except Exception as error:
        if not is_sent:
            return PieceEnd(mistake=error)
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.add_note("".join(traceback.format_exception(error)))
        return PieceEnd(mistake=told)
