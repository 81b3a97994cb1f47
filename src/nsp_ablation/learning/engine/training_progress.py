"""Progress: update, loss, time left, and speed: real tokens per second, model FLOPs against the device's peak (MFU),
share of padding.

Lightning's `ThroughputMonitor` waits for a GPU at every batch, counts padding as tokens, and measures no CPU's peak.
"""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_TERMINAL_SECONDS, _PLAIN_SECONDS = 0.5, 10.0


@dataclass(frozen=True)
class Speed:
    """Rates over a span of time. `padding` is the share of padding among all tokens that went through the encoder;
    `mfu` the share of the peak that the model's FLOPs for real tokens make, None where the peak is not known."""

    tokens_per_second: float
    mfu: float | None
    padding: float

    def text(self) -> str:
        """Return the rates as the progress line shows them."""
        rate = self.tokens_per_second
        parts = [f"{rate / 1000:.1f}k tokens/s" if rate >= 1000 else f"{rate:.0f} tokens/s"]
        if self.mfu is not None:
            parts.append(f"MFU {self.mfu:.0%}")
        parts.append(f"padding {self.padding:.0%}")
        return "  ".join(parts)


class SpeedMeter:
    """Counts of one rank since it was made; rates are those of all ranks, taken to be like this one.

    `peak_flops` is the FLOP/s of one device.
    """

    def __init__(self, num_ranks: int, peak_flops: float | None) -> None:
        self._num_ranks, self._peak_flops = num_ranks, peak_flops
        self._num_tokens = self._num_computed = 0
        self._flops = 0.0
        self._started = time.monotonic()

    def add(self, num_tokens: int, num_computed: int, flops: float) -> None:
        """Count a micro-batch: its real tokens, all that went through the encoder, the model FLOPs of the real ones."""
        self._num_tokens += num_tokens
        self._num_computed += num_computed
        self._flops += flops

    def pause(self, seconds: float) -> None:
        """Leave a time out in which nothing was trained."""
        self._started += seconds

    def speed(self) -> Speed:
        """Return the rates since this meter was made."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        return Speed(
            tokens_per_second=self._num_tokens * self._num_ranks / seconds,
            mfu=None if self._peak_flops is None else self._flops / seconds / self._peak_flops,
            padding=1 - self._num_tokens / self._num_computed if self._num_computed else 0.0,
        )


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

    def pause(self, seconds: float) -> None:
        """Leave a time out in which nothing was trained: the time left is reckoned without it."""
        self._start_seconds += seconds

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
            width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be drawn over
            sys.stdout.write(f"\r{text[: max(width, 1)]}\x1b[K")  # the escape clears the rest of the line
            sys.stdout.flush()
        else:
            sys.stdout.write("\r\x1b[K")
            self._say(text)
