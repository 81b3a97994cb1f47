"""Event files of TensorBoard: streamed while a run trains, replaced by one whole file when it is complete.

TensorBoard has one x-axis, an integer. So each metric is written twice: under its own name by updates, and below
`by_tokens/` by the real tokens that were read by then.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nsp_ablation.base.leftovers import temporary_directory
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.reporting.dashboards.finished_run import FACTS, FINAL, FinishedRun
from nsp_ablation.reporting.records.curve_file import CurvePoint

_COMPLETE = ".complete"


def event_directory(logs: Path, name: str) -> Path:
    """Return the directory of a run's events: `logs`/tensorboard/<name>; `tensorboard --logdir logs/tensorboard`."""
    return owned(logs, "tensorboard", name)


class EventFile:
    """A file of events below `directory`; begins with `earlier` points, and says that it takes older files' place."""

    def __init__(self, directory: Path, earlier: Iterable[CurvePoint] = (), suffix: str = "") -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(make_directory(directory)), filename_suffix=suffix)
        self._add(0, session_log=SessionLog(status=SessionLog.START))  # readers drop what older files have from 0 on
        for point in earlier:
            self.write(point.update, point.tokens, point.metrics)

    def write(self, update: int, tokens: int, metrics: Mapping[str, float]) -> None:
        """Write what was logged after an update."""
        self._scalars(update, metrics)
        self._scalars(tokens, {f"by_tokens/{name}": value for name, value in metrics.items()})

    def finish(self, finished: FinishedRun) -> None:
        """Write final scores, at the last update, and the settings that the tab HPARAMS tells runs apart by."""
        last = finished.points[-1].update if finished.points else 0
        numbers = {key: value for key, value in finished.summary.items() if key.startswith((FINAL, FACTS))}
        self._scalars(last, {key: value for key, value in numbers.items() if isinstance(value, int | float)})
        condition = finished.names.config["condition"]
        told = {key: str(value) for key, value in condition.items() if value is not None}
        self._add(0, summary=_hparams(told | {"arm": finished.names.config["arm"], "run": finished.names.name}))

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        if values:
            scalars = [Summary.Value(tag=name, simple_value=float(value)) for name, value in values.items()]
            self._add(step, summary=Summary(value=scalars))

    def _add(self, step: int, **what: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(step=step, wall_time=time.time(), **what))


def write_tensorboard(make: Callable[[], FinishedRun], directory: Path) -> None:
    """Write the complete run that `make` gives, unless it is there, in the place of what was streamed."""
    make_directory(directory)
    streamed = [path for path in directory.iterdir() if path.is_file() and ".tfevents." in path.name]
    if any(path.name.endswith(_COMPLETE) for path in streamed):
        return
    finished = make()
    with temporary_directory(directory / "complete") as temporary:
        events = EventFile(temporary, finished.points, _COMPLETE)
        events.finish(finished)
        events.close()
        (made,) = temporary.iterdir()
        os.rename(made, directory / made.name)
    for path in streamed:
        path.unlink()


def _hparams(values: dict[str, str]) -> Any:
    """Return what begins a session of the hparams plugin, by which its table has a row per run."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    started = SessionStartInfo()
    for name, value in values.items():
        started.hparams[name].string_value = value
    data = HParamsPluginData(session_start_info=started, version=metadata.PLUGIN_DATA_VERSION)
    plugin = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString())
    described = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=metadata.SESSION_START_INFO_TAG, metadata=described)])
