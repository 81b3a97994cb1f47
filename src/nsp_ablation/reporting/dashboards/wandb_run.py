"""A run on Weights & Biases: streamed while it trains, or written whole when it is complete.

An offline run cannot be appended to (a second part is dropped by `wandb sync`, or takes the first one's place), so that
each is written once, from our own files, into a directory that appears whole. `wandb sync` sends them.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.leftovers import temporary_directory
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.options.output_options import WANDB_NAME, WANDB_TAG, LoggerOptions
from nsp_ablation.reporting.dashboards.finished_run import FinishedRun, RunNames

UPDATE, TOKENS = "update", "tokens"  # columns of each row of a history: either can be the x-axis
_FOLDER, _COMPLETE = "wandb", "complete.json"
_NO_HOST = "not recorded"  # else the name of the machine that writes the run
_ONLINE_SECONDS = 30  # wandb itself waits two minutes for a network that is not there, and then dies


@dataclass(frozen=True)
class SentTo:
    """Where a run was sent."""

    entity: str
    project: str


def write_wandb(run_id: str, make: Callable[[], FinishedRun], logs: Path, options: LoggerOptions) -> SentTo | None:
    """Write the complete run that `make` gives, unless it is there, and return where it was sent, None for nowhere.

    With logger.offline=false it goes to the server, under its id, in addition to what was streamed; else, and where
    there is no way to the server, into `logs`/wandb.
    """
    sent, is_kept = _written(logs, run_id)
    if sent is not None or (is_kept and options.offline):
        return sent
    if not options.offline:
        finished = make()
        run = connected(finished.names, logs, options)
        if run is not None:
            sent = SentTo(run.entity, run.project)
            fill(run, finished, last_update(run))
            run.finish()
            _mark(Path(run.dir).parent, sent)
            return sent
    if not is_kept:
        _write_offline(make(), make_directory(owned(logs, _FOLDER)), options)
    return None


def _write_offline(finished: FinishedRun, home: Path, options: LoggerOptions) -> None:
    with temporary_directory(home / finished.names.id) as temporary:
        run = _start("offline", finished.names, temporary, options)
        fill(run, finished)
        run.finish()
        (made,) = (temporary / _FOLDER).glob("offline-run-*")
        if not any(made.glob("*.wandb")):
            raise FileNotFoundError(f"wandb left no log of the run in {made.name}")
        _mark(made, None)
        os.rename(made, home / made.name)


def _written(logs: Path, run_id: str) -> tuple[SentTo | None, bool]:
    """Return where a complete run was sent, None for nowhere, and whether it lies below `logs`."""
    marks = [read_json(path) for path in (logs / _FOLDER).glob(f"*run-*-{run_id}/{_COMPLETE}")]
    sent = [SentTo(**mark["sent_to"]) for mark in marks if mark["sent_to"] is not None]
    return sent[-1] if sent else None, bool(marks)


def connected(names: RunNames, logs: Path, options: LoggerOptions) -> Any:
    """Return an open run on the server, the one of its id where there is one; None, with a warning, where it is not
    reached. A process that was not let in once does not wait again."""
    import wandb

    if _given_up():
        return None
    try:
        return _start("online", names, make_directory(logs), options)
    except (wandb.Error, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        _given_up().append(reason)
        warnings.warn(
            f"logger.offline=false, but wandb is not reachable ({reason}); runs are written offline", stacklevel=2
        )
        return None


@cache
def _given_up() -> list[str]:
    return []


def fill(run: Any, finished: FinishedRun, last_update: int = -1) -> None:
    """Log on an open run what came after `last_update`, then tables, figures and the summary."""
    import wandb

    for point in finished.points:
        if point.update > last_update:
            run.log({UPDATE: point.update, TOKENS: point.tokens, **point.metrics})
    pages = {f"figures/{name}": svg for name, svg in finished.figures.items()} | finished.pages
    media: dict[str, Any] = {
        name: wandb.Html(page, inject=False, data_is_not_path=True) for name, page in pages.items()
    }
    for name, rows in finished.tables.items():
        if rows:
            data = [list(row.values()) for row in rows]
            media[name] = wandb.Table(columns=[*rows[0]], data=data, allow_mixed_types=True)
    if media:
        run.log(media)
    run.summary.update(finished.summary)


class LiveRun:
    """A run that is looked at while it trains. Where it goes on under its id, what it shows is not sent again."""

    def __init__(self, run: Any) -> None:
        self._run, self._shown = run, last_update(run)

    def write(self, update: int, tokens: int, metrics: Mapping[str, float]) -> None:
        """Send what was logged after an update."""
        if update > self._shown:
            self._run.log({UPDATE: update, TOKENS: tokens, **metrics})

    def close(self) -> None:
        """End the run, so that the next one of this process starts its own."""
        self._run.finish()


def last_update(run: Any) -> int:
    """Return the last update that a run shows, -1 where it is new."""
    return int(run.summary.get(UPDATE, -1))


def _start(mode: Literal["online", "offline"], names: RunNames, directory: Path, options: LoggerOptions) -> Any:
    """Start a run that leaves the terminal alone, or go on with the one of its id (online).

    It shows what our files hold, and nothing of the process that writes it, which may be another than trained.
    """
    import wandb

    quiet = wandb.Settings(
        silent=True,
        console="off",
        init_timeout=_ONLINE_SECONDS,
        host=_NO_HOST,
        disable_git=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
    )
    run = wandb.init(
        mode=mode,
        dir=directory.absolute(),  # the service that writes it may have been started elsewhere
        project=options.project,
        entity=options.entity,
        id=names.id,
        resume="allow" if mode == "online" else None,
        reinit="finish_previous",
        settings=quiet,
        name=_cut(names.name, WANDB_NAME),
        group=_cut(names.group, WANDB_NAME),
        job_type=names.job_type,
        tags=list(dict.fromkeys(_cut(tag, WANDB_TAG) for tag in names.tags)),
        config=names.config,
    )
    run.define_metric(UPDATE)
    run.define_metric(TOKENS)
    run.define_metric("*", step_metric=UPDATE, step_sync=True)
    return run


def _mark(directory: Path, sent: SentTo | None) -> None:
    write_json(directory / _COMPLETE, {"sent_to": None if sent is None else asdict(sent)})


def _cut(text: str, most: int) -> str:
    """Return a text of at most so many characters; a cut one ends in a digest, so that two never become one."""
    return text if len(text) <= most else f"{text[: most - 9]}-{fingerprint(text)[:8]}"
