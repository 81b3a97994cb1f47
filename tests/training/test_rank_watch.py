"""The end of a rank is noticed by the first and told to the others; that of the first by each of them."""

import queue
import socket
import threading
from contextlib import ExitStack

import pytest

from nsp_ablation.learning.engine import rank_watch
from nsp_ablation.learning.engine.rank_watch import RankWatch, connect_ranks

SECONDS = 20.0
NUM_RANKS = 3


@pytest.fixture
def connections(monkeypatch):
    """By rank, its connections by rank, as three processes of a job make them."""
    monkeypatch.setattr(rank_watch, "_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(rank_watch, "_NOTICED_SECONDS", 0.2)
    address, found = queue.SimpleQueue(), {}

    def exchange_of_first(value):
        with socket.create_connection(("127.0.0.1", value[0])) as stranger:
            stranger.sendall(bytes(20))
            assert stranger.recv(1) == b"", "a stranger is turned away"
        for _ in range(1, NUM_RANKS):
            address.put(value)
        return value

    def connect(rank):
        exchange = (lambda value: address.get(timeout=SECONDS)) if rank else queue_later
        found[rank] = connect_ranks(rank, NUM_RANKS, "127.0.0.1", exchange)

    def queue_later(value):  # the first rank accepts only afterwards
        threading.Thread(target=exchange_of_first, args=(value,), daemon=True).start()
        return value

    threads = [threading.Thread(target=connect, args=(rank,)) for rank in range(NUM_RANKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    yield found
    for each in found.values():
        for connection in each.values():
            connection.close()


@pytest.fixture
def watch(connections):
    """watch(rank): its watch, and a queue of what it ended with."""

    def start(rank):
        ends = queue.Queue()
        return RankWatch(rank, connections[rank], ends.put), ends

    return start


def shut(connections, rank):
    """End a rank, as the kernel does: its side of every connection."""
    for connection in connections[rank].values():
        connection.shutdown(socket.SHUT_RDWR)


def test_every_rank_is_connected_with_the_first(connections):
    assert {rank: sorted(each) for rank, each in connections.items()} == {0: [1, 2], 1: [0], 2: [0]}


def test_the_first_rank_learns_which_is_gone_and_tells_the_others(connections, watch):
    (first, first_ends), (third, third_ends) = watch(0), watch(2)
    with first.watched(), third.watched():
        shut(connections, 1)
        assert first_ends.get(timeout=SECONDS) == 1
        assert third_ends.get(timeout=SECONDS) is None, "the first rank has said it"


def test_each_other_rank_learns_that_the_first_is_gone(connections, watch):
    watches = [watch(rank) for rank in (1, 2)]
    with ExitStack() as inside:
        for each, _ in watches:
            inside.enter_context(each.watched())
        shut(connections, 0)
        assert [ends.get(timeout=SECONDS) for _, ends in watches] == [0, 0]


def test_a_rank_that_ends_outside_of_the_work_in_common_is_noticed_at_the_next(connections, watch):
    first, ends = watch(0)
    with first.watched(), first.watched(False):
        shut(connections, 1)
        with pytest.raises(queue.Empty):
            ends.get(timeout=0.1)
    with pytest.raises(queue.Empty):
        ends.get(timeout=0.1)
    with first.watched():
        assert ends.get(timeout=SECONDS) == 1


def test_where_no_rank_is_gone_a_failure_is_ones_own(watch):
    first, ends = watch(0)
    with first.watched():
        first.wait_for_loss()
    assert ends.empty()
