"""Work that ranks share: each piece once, failures alone, requests to stop on every rank, ranks that die."""

import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from nsp_ablation.base.interrupts import Stopped, stops_at_once
from nsp_ablation.pipeline.handout import Handout, take_pieces

SECONDS = 20.0
MINE = os.getpid()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def ranks(tmp_path):
    """ranks(pieces, work, num_others): a Handout that serves so many processes, which do `work(piece, directory)`."""
    processes = []

    def start(pieces: str, work: Callable, num_others: int = 1, hear: Callable = print) -> Handout:
        handout = Handout(pieces, hear, lambda rank: f"ended with {join(processes[rank - 1])}")
        context = get_context("fork")
        for rank in range(1, num_others + 1):
            ours, theirs = context.Pipe()
            run = lambda theirs=theirs: take_pieces(theirs, lambda piece: work(piece, tmp_path))  # noqa: E731
            processes.append(context.Process(target=run))
            processes[-1].start()
            theirs.close()
            handout.serve(rank, ours)
        return handout

    def join(process) -> int | None:
        process.join(SECONDS)
        return process.exitcode

    yield start
    for process in processes:
        assert join(process) is not None, "every rank ends"


def write_who(piece: str, directory: Path) -> str | None:
    """Note who did the piece; the first rank is slow, so that others take what is left."""
    with (directory / piece).open("x") as file:  # fails where it is done twice
        file.write(str(os.getpid()))
    time.sleep(0.05)
    return "it is odd" if piece in "bd" else None


def test_each_piece_is_done_once_on_some_rank_and_a_failed_one_leaves_the_others_alone(ranks, tmp_path):
    handout = ranks("abcdefgh", write_who, num_others=2)
    handout.work_through(lambda piece: write_who(piece, tmp_path))
    who = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(who) == sorted(handout.ends) == list("abcdefgh")
    assert len(set(who.values())) == 3, "all take part"
    assert {piece: end.reason for piece, end in handout.ends.items() if end.reason} == dict.fromkeys("bd", "it is odd")
    assert not [end for end in handout.ends.values() if end.mistake or end.is_lost]


def test_the_first_piece_is_begun_first_and_nothing_waits_for_a_slow_one(ranks, tmp_path):
    """Longest first, from one queue: fixed shares would leave the second half to the rank with the long piece."""

    def work(piece: str, directory: Path) -> None:
        if piece == "a":
            until(lambda: len([*directory.iterdir()]) == 5)
        write_who(piece, directory)

    handout = ranks("abcdef", work, num_others=1)
    handout.work_through(lambda piece: work(piece, tmp_path))
    assert len({(tmp_path / piece).read_text() for piece in "bcdef"}) == 1, "one rank did all others"


def test_what_a_rank_says_of_its_progress_is_heard(ranks, tmp_path):
    heard = []
    handout = Handout("", lambda *said: heard.append(said), str)
    ours, theirs = get_context("fork").Pipe()
    handout.serve(1, ours)
    theirs.send(("hear", "half"))
    theirs.send(("free", None))
    assert theirs.recv() == ("end", None)
    handout.work_through(lambda piece: None)
    assert heard == [(1, "half")]


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_mistake_ends_what_was_not_begun_and_keeps_its_traceback(ranks, tmp_path, where):
    def work(piece: str, directory: Path) -> None:
        if (os.getpid() == MINE) == (where == "here"):
            (directory / "made").touch()
            raise KeyError("lost thing")
        until((directory / "made").exists)
        time.sleep(0.2)

    handout = ranks("abcdefghij", work)
    handout.work_through(lambda piece: work(piece, tmp_path))
    assert len(handout.ends) <= 3
    (mistake,) = [end.mistake for end in handout.ends.values() if end.mistake]
    assert "lost thing" in str(mistake)
    assert where == "here" or "in work" in mistake.__notes__[0]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV])
def test_a_rank_that_dies_loses_its_piece_alone(ranks, tmp_path, signum):
    def work(piece: str, directory: Path) -> None:
        if os.getpid() != MINE:
            (directory / "dying").touch()
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        until((directory / "dying").exists)

    handout = ranks("abcdef", work)
    handout.work_through(lambda piece: work(piece, tmp_path))
    lost = {piece: end.reason for piece, end in handout.ends.items() if end.is_lost}
    assert sorted(handout.ends) == list("abcdef")
    (reason,) = lost.values()
    assert f"rank 1 ended with {-signum}" in reason
    assert "run the same command again" in reason


def saves_when_stopped(piece: str, directory: Path) -> None:
    """Work until asked to stop, then save."""
    (directory / f"{piece}.begun").touch()
    try:
        time.sleep(SECONDS)
    except Stopped as stop:
        (directory / f"{piece}.saved").write_text(signal.Signals(stop.signum).name)
        raise


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_saves_on_every_rank(ranks, tmp_path, signum):
    def work(piece: str) -> None:
        until(lambda: len(names(tmp_path)) == 2)
        os.kill(os.getpid(), signum)
        time.sleep(SECONDS)

    handout = ranks("abcd", saves_when_stopped, num_others=2)
    with stops_at_once(), pytest.raises(Stopped) as stop:
        handout.work_through(work)
    assert stop.value.signum == signum
    assert len([name for name in names(tmp_path) if name.endswith(".saved")]) == 2
    assert len(names(tmp_path)) == 4, "no other piece was begun"


def test_a_request_while_the_first_rank_only_waits_saves_too(ranks, tmp_path):
    handout = ranks("a", saves_when_stopped)
    until(lambda: names(tmp_path) == {"a.begun"})
    threading.Timer(0.1, os.kill, (MINE, signal.SIGINT)).start()
    with stops_at_once(), pytest.raises(Stopped):
        handout.work_through(lambda piece: None)
    assert names(tmp_path) == {"a.begun", "a.saved"}


def test_a_launcher_that_tells_another_rank_stops_all(ranks, tmp_path):
    def work(piece: str, directory: Path) -> None:
        (directory / "pid").write_text(str(os.getpid()))
        saves_when_stopped(piece, directory)

    handout = ranks("a", work)
    until(lambda: "a.begun" in names(tmp_path))
    threading.Timer(0.1, os.kill, (int((tmp_path / "pid").read_text()), signal.SIGTERM)).start()
    with stops_at_once(), pytest.raises(Stopped):
        handout.work_through(lambda piece: None)
    assert "a.saved" in names(tmp_path)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_what_reaches_a_whole_terminal_or_job_is_the_first_ranks(ranks, tmp_path, signum):
    """Each rank would else requeue the job, or end by the second of two requests that are one."""

    def work(piece: str, directory: Path) -> None:
        os.kill(os.getpid(), signum)
        write_who(piece, directory)

    handout = ranks("ac", work)
    until(lambda: names(tmp_path) == {"a", "c"})
    handout.work_through(lambda piece: None)
    assert {end.is_lost for end in handout.ends.values()} == {False}


def test_a_rank_whose_first_one_is_gone_saves_and_ends(tmp_path):
    context = get_context("fork")
    ours, theirs = context.Pipe()

    def run() -> None:
        ours.close()
        take_pieces(theirs, lambda piece: saves_when_stopped(piece, tmp_path))

    process = context.Process(target=run)
    process.start()
    theirs.close()
    ours.send(("do", "a"))
    until(lambda: names(tmp_path) == {"a.begun"})
    ours.close()
    process.join(SECONDS)
    assert process.exitcode == 0
    assert names(tmp_path) == {"a.begun", "a.saved"}
