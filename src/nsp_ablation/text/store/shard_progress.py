"""Progress of a preparation: shards, tokens, their rate, time left."""

import time
from collections.abc import Callable
from datetime import timedelta

_EVERY_SECONDS = 5.0


class ShardProgress:
    """Speaks through `say` at most every five seconds, and once at the end; costs a look at the clock otherwise.

    `num_bytes` are those of the shards still to be made, of which the time left is judged; shards of no known size
    have none.
    """

    def __init__(self, say: Callable[[str], None], num_shards: int, num_made: int, num_bytes: int) -> None:
        self._say, self._num_shards, self._num_made = say, num_shards, num_made
        self._num_bytes, self._bytes_made = num_bytes, 0
        self._start_seconds = self._last_seconds = time.monotonic()
        self._num_tokens = self._last_tokens = 0

    def tokens(self, number: int) -> None:
        """Count tokens that were just written."""
        self._num_tokens += number
        now = time.monotonic()
        if now - self._last_seconds >= _EVERY_SECONDS:
            rate = (self._num_tokens - self._last_tokens) / (now - self._last_seconds)
            self._say(f"shard {self._num_made}/{self._num_shards}  {_millions(rate)} tokens/s{self._left(now)}")
            self._last_seconds, self._last_tokens = now, self._num_tokens

    def shard(self, num_bytes: int) -> None:
        """Count a shard of this size as made."""
        self._num_made += 1
        self._bytes_made += num_bytes
        if self._num_made == self._num_shards:
            elapsed_seconds = time.monotonic() - self._start_seconds
            rate = self._num_tokens / max(elapsed_seconds, 1e-9)
            tokens = f"{_millions(self._num_tokens)} tokens in {_duration(elapsed_seconds)}"
            self._say(f"shard {self._num_made}/{self._num_shards}  {tokens} ({_millions(rate)} tokens/s)")

    def _left(self, now: float) -> str:
        if not self._bytes_made:
            return f"  {_millions(self._num_tokens)} tokens so far"
        elapsed_seconds = now - self._start_seconds
        return f"  {_duration(elapsed_seconds * (self._num_bytes / self._bytes_made - 1))} left"


def _millions(number: float) -> str:
    return f"{number / 1e6:.2f}M"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
