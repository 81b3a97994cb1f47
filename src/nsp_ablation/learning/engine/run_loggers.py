"""What a training logs, handed on to those who keep or show it: a log on disk, a dashboard that is watched."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pytorch_lightning.loggers import Logger

from nsp_ablation.base.optional_parts import CURVES, optional

TOKENS = "tokens"


class Sink(Protocol):
    """Keeps or shows curves. `write` is told what was logged after an update, by when so many real tokens were read."""

    def write(self, update: int, tokens: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class OptionalCurves(Logger):
    """A logger whose sinks may fail: the first failure is noted in `omitted`, each is said, and training goes on.

    Its metrics hold `tokens` (`WithTokens`).
    """

    def __init__(self, make: Callable[[], Sequence[Sink]], say: Callable[[str], None]) -> None:
        """`make` gives the sinks; InputError of it passes."""
        super().__init__()
        self.omitted: dict[str, str] = {}
        self._say = say
        self._sinks: list[Sink] = []
        with optional(CURVES, self.omitted, say):
            self._sinks += make()

    @property
    def name(self) -> str:
        return CURVES

    @property
    def version(self) -> int:
        return 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        rest = {name: value for name, value in metrics.items() if name != TOKENS}
        self._attempt(lambda sink: sink.write(step, int(metrics[TOKENS]), rest))

    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        pass

    def close(self) -> None:
        """Write what is left and end."""
        self._attempt(lambda sink: sink.close())

    def _attempt(self, act: Callable[[Sink], None]) -> None:
        """Do something with each sink; one that fails is left out from then on, and the others go on."""
        for sink in [*self._sinks]:
            failed: dict[str, str] = {}
            with optional(CURVES, failed, self._say):
                act(sink)
            if failed:
                self._sinks.remove(sink)
                self.omitted = failed | self.omitted


class WithTokens(Logger):
    """A logger whose metrics are told the real tokens that were read by their update, as `tokens`."""

    def __init__(self, inner: Logger, tokens_at: Callable[[int], int]) -> None:
        super().__init__()
        self._inner, self._tokens_at = inner, tokens_at

    @property
    def name(self) -> str | None:
        return self._inner.name

    @property
    def version(self) -> int | str | None:
        return self._inner.version

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        self._inner.log_metrics({**metrics, TOKENS: self._tokens_at(step)}, step)

    def save(self) -> None:
        self._inner.save()

    def finalize(self, status: str) -> None:
        self._inner.finalize(status)

    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        pass
