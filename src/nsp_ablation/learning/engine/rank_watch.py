"""Which rank of a job is gone: the first rank holds a connection with each other, whose end is noticed at once.

Without it a killed rank is noticed where the next sum of gradients fails, by an error that names an address, or, on
GPUs, after minutes; and not at all while the first rank works alone.
"""

import os
import secrets
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nsp_ablation.learning.engine.signals import never_stops

Exchange = Callable[[Any], Any]  # gives all ranks the value of the first

_CONNECT_SECONDS = 120.0
_GRACE_SECONDS = 1.0  # in which a rank that ends with the others has heard that the work is over
_NOTICED_SECONDS = 8.0  # in which the end of a process is noticed: its data workers hold its connections 5 s longer
_END_SECONDS = 60.0  # in which a thread of the watch ends this process, on cores that others keep busy too
_KEY_BYTES = 16
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # a machine without power: gone after 60 s


class RankWatch:
    """Inside `watched`, the end of another rank ends this process: `end` is called with the rank that is gone.

    `end` gets None in a rank that was told so by the first, which has said it; it must not return. It is called from
    a thread, in the midst of whatever this process does.
    """

    def __init__(self, rank: int, connections: dict[int, socket.socket], end: Callable[[int | None], None]) -> None:
        self._rank, self._connections, self._end = rank, connections, end
        self._is_watched = False
        self._is_noticed = threading.Event()
        threading.Thread(target=self._watch, name="other ranks", daemon=True).start()

    @contextmanager
    def watched(self, is_watched: bool = True) -> Iterator[None]:
        """Inside, other ranks are watched, or are not."""
        before, self._is_watched = self._is_watched, is_watched
        try:
            yield
        finally:
            self._is_watched = before

    def wait_for_loss(self) -> None:
        """Give the watch time to end this process, where a work in common has failed since another rank is gone.

        A request to stop, by which a launcher answers the same loss, does not interrupt it.
        """
        with never_stops():
            if self._is_noticed.wait(_NOTICED_SECONDS):
                time.sleep(_END_SECONDS)

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for rank, connection in self._connections.items():
                selector.register(connection, selectors.EVENT_READ, rank)
            while selector.get_map():
                for key, _ in selector.select():
                    selector.unregister(key.fileobj)
                    self._is_noticed.set()
                    threading.Thread(target=self._lost, args=(key.data, key.fileobj), daemon=True).start()

    def _lost(self, rank: int, connection: socket.socket) -> None:
        told = b""
        with suppress(OSError):
            told = connection.recv(1)
        if self._rank:  # the first tells the others that the work is over when it has left it
            time.sleep(_GRACE_SECONDS)
        while not self._is_watched:
            time.sleep(_GRACE_SECONDS)
        if told:
            self._end(None)
        if self._rank == 0:
            for other in self._connections.values():
                with suppress(OSError):
                    other.sendall(b"!")
        self._end(rank)


def connect_ranks(rank: int, world_size: int, address: str, exchange: Exchange) -> dict[int, socket.socket]:
    """Return a connection by rank: of the first rank with each other, of another with the first at `address`.

    Raises OSError where a rank does not come in time.
    """
    if rank:
        port, key = exchange(None)
        connection = socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
        connection.sendall(key + struct.pack("!I", rank))
        return {0: _kept_alive(connection)}
    key, found = secrets.token_bytes(_KEY_BYTES), dict[int, socket.socket]()
    with socket.create_server(("", 0), backlog=world_size) as server:
        server.settimeout(_CONNECT_SECONDS)
        exchange((server.getsockname()[1], key))
        while len(found) < world_size - 1:
            connection, _ = server.accept()
            connection.settimeout(_CONNECT_SECONDS)
            greeting = connection.recv(_KEY_BYTES + 4, socket.MSG_WAITALL)
            if greeting[:_KEY_BYTES] != key:  # somebody else
                connection.close()
                continue
            found[struct.unpack("!I", greeting[_KEY_BYTES:])[0]] = _kept_alive(connection)
    return found


def _kept_alive(connection: socket.socket) -> socket.socket:
    connection.settimeout(None)
    os.set_inheritable(connection.fileno(), False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # macOS lacks one
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
