"""Progress in the terminal: update, loss, speed, time left. It reads a clock, and the loss when it speaks."""

import sys
import time
from collections.abc import Callable
from datetime import timedelta

from nsp_ablation.learning.engine.speed import Speed

_TERMINAL_SECONDS, _PLAIN_SECONDS = 0.5, 10.0


class ProgressLine:
    """One line that redraws itself in a terminal; elsewhere a line through `say` every ten seconds.

    Costs a look at the clock when nothing is due. The time left is reckoned by the updates since the start. A line of
    the last update is always shown.
    """

    def __init__(self, say: Callable[[str], None], *, max_steps: int, first_step: int = 0) -> None:
        self._say, self._max_steps, self._first_step = say, max_steps, first_step
        self._is_terminal = sys.stdout.isatty()
        self._every_seconds = _TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS
        self._start_seconds = self._last_seconds = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether the line of update number `step` (counted from 1) would be shown."""
        return time.monotonic() - self._last_seconds >= self._every_seconds or step == self._max_steps

    def show(self, step: int, loss: float, speed: Speed) -> None:
        """Show the state after `step` updates; `speed` is that since the last line."""
        self._last_seconds = now = time.monotonic()
        seconds_left = (now - self._start_seconds) / (step - self._first_step) * (self._max_steps - step)
        speed_text = f"{speed.text()}  {timedelta(seconds=round(seconds_left))} left"
        text = f"update {step}/{self._max_steps}  loss {loss:.3f}  {speed_text}"
        if not self._is_terminal:
            self._say(text)
        elif step < self._max_steps:
            sys.stdout.write(f"\r{text}\x1b[K")  # the escape clears the rest of the line
            sys.stdout.flush()
        else:
            sys.stdout.write("\r\x1b[K")
            self._say(text)
