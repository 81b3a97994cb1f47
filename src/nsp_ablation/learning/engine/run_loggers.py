"""Where curves go: CSV files, TensorBoard, or Weights & Biases (offline unless asked)."""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.optional_parts import CURVES, optional
from nsp_ablation.options.output_options import WANDB_NAME, WANDB_TAG

_NAMES = ("name", "group", "job_type")
_ONLINE_SECONDS = 30  # wandb itself waits two minutes for a network that is not there, and then dies


def make_logger(
    kind: str, *, directory: Path, offline: bool, config: dict[str, Any], run_id: str, **run: Any
) -> Logger:
    """Return the logger of one run; `kind` is csv, tensorboard or wandb, which alone is told `run` (keywords of
    `wandb.init`), `config`, `offline` and `run_id`. Close it by `close_logger`.

    A run that resumes writes beside the earlier curves (`version_1`, ...) and deletes none; on wandb an equal `run_id`
    is one run. Online wandb without key or network warns and goes on offline. Raises InputError where TensorBoard is
    not installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if kind == "csv":
        return CSVLogger(directory, name="")
    if kind == "tensorboard":
        if find_spec("tensorboard") is None:
            raise InputError(
                "logger=tensorboard needs the package tensorboard, which is not installed; or use logger=csv"
            )
        return TensorBoardLogger(directory, name="")
    assert kind == "wandb", kind
    if not _is_first_rank():  # logs nothing, so that no run is started
        return WandbLogger(offline=True)
    experiment = start_wandb(offline, run_id, dir=directory, **run)
    experiment.config.update(config)
    experiment.define_metric("trainer/global_step")
    experiment.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    return WandbLogger(experiment=experiment)


class OptionalCurves(Logger):
    """A logger that may fail: its first failure is noted in `omitted` and said, and its training goes on without it."""

    def __init__(self, make: Callable[[], Logger], say: Callable[[str], None]) -> None:
        """`make` gives the logger; InputError of it passes."""
        super().__init__()
        self.omitted: dict[str, str] = {}
        self._say = say
        self._inner: Logger | None = None
        with optional(CURVES, self.omitted, say):
            self._inner = make()

    @property
    def name(self) -> str:
        return CURVES

    @property
    def version(self) -> int:
        return 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._attempt(lambda inner: inner.log_metrics(metrics, step))

    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        self._attempt(lambda inner: inner.log_hyperparams(params, *arguments, **options))

    def save(self) -> None:
        self._attempt(lambda inner: inner.save())

    def finalize(self, status: str) -> None:
        self._attempt(lambda inner: inner.finalize(status))

    def close(self) -> None:
        """Write what is left and end the run."""
        self._attempt(close_logger)

    def _attempt(self, act: Callable[[Logger], Any]) -> None:
        if self._inner is not None and not self.omitted:
            with optional(CURVES, self.omitted, self._say):
                act(self._inner)


def close_logger(logger: Logger) -> None:
    """Write what is left and end the run, so that the next one of this process starts its own."""
    if isinstance(logger, WandbLogger):
        if _is_first_rank():
            logger.experiment.finish()
    else:
        logger.finalize("success")


def _is_first_rank() -> bool:
    return getattr(rank_zero_only, "rank", 0) == 0


def start_wandb(offline: bool, run_id: str | None = None, **settings: Any) -> Any:
    """Start a wandb run that leaves the terminal alone, or go on with the one of `run_id`; None starts another.

    Offline, each start has a directory of its own, and `wandb sync` joins those of one id.
    """
    import wandb

    quiet = wandb.Settings(silent=True, console="off", init_timeout=_ONLINE_SECONDS)
    common = {"settings": quiet, "reinit": "finish_previous", "id": run_id, **_fitted(settings)}
    if not offline:
        try:
            return wandb.init(mode="online", resume=None if run_id is None else "allow", **common)
        except (wandb.Error, OSError) as error:
            reason = " ".join(str(error).split())[:160]
            warnings.warn(f"logger.offline=false, but wandb is not reachable ({reason}); logging offline", stacklevel=2)
    return wandb.init(mode="offline", **common)


def _fitted(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of `wandb.init` whose names and tags are as long as wandb takes them."""
    names = {key: _cut(value, WANDB_NAME) for key, value in settings.items() if key in _NAMES and value is not None}
    tags = {"tags": list(dict.fromkeys(_cut(tag, WANDB_TAG) for tag in settings["tags"]))} if "tags" in settings else {}
    return {**settings, **names, **tags}


def _cut(text: str, most: int) -> str:
    """Return a text of at most so many characters; a cut one ends in a digest, so that two never become one."""
    return text if len(text) <= most else f"{text[: most - 9]}-{fingerprint(text)[:8]}"
