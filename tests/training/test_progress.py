"""The progress line."""

import sys

import pytest

from nsp_ablation.learning.engine import training_progress as progress
from nsp_ablation.learning.engine.training_progress import ProgressLine, Speed


def rate(tokens_per_second):
    return Speed(tokens_per_second, mfu=None, padding=0.0)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        seconds = 100.0

        def monotonic(self):
            return self.seconds

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_plain_lines_come_ten_seconds_apart_and_after_the_last_update(clock):
    lines = []
    line = ProgressLine(lines.append, max_steps=100)
    clock.seconds += 9.9
    assert not line.is_due(10)
    clock.seconds += 0.1
    assert line.is_due(20)
    line.show(20, 2.34567, Speed(2000.0, mfu=0.5, padding=0.1))
    assert lines == ["update 20/100  loss 2.346  2.0k tokens/s  MFU 50%  padding 10%  0:00:40 left"]
    assert not line.is_due(21)
    assert line.is_due(100)
    clock.seconds += 5
    line.show(100, 2.0, rate(800.0))
    assert lines[1] == "update 100/100  loss 2.000  800 tokens/s  padding 0%  0:00:00 left"


def test_time_left_counts_from_where_a_run_was_resumed(clock):
    lines = []
    line = ProgressLine(lines.append, max_steps=10_000, first_step=9_000)
    clock.seconds += 1_000
    line.show(9_100, 1.0, rate(0.0))
    assert lines == ["update 9100/10000  loss 1.000  0 tokens/s  padding 0%  2:30:00 left"]


def test_in_a_terminal_one_line_redraws_itself(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = []
    line = ProgressLine(lines.append, max_steps=10)
    clock.seconds += 0.5
    assert line.is_due(1)
    line.show(1, 3.0, rate(1000.0))
    clock.seconds += 0.5
    line.show(10, 2.0, rate(1000.0))
    shown = "\rupdate 1/10  loss 3.000  1.0k tokens/s  padding 0%  0:00:04 left\x1b[K\r\x1b[K"
    assert capsys.readouterr().out == shown
    assert lines == ["update 10/10  loss 2.000  1.0k tokens/s  padding 0%  0:00:00 left"]
