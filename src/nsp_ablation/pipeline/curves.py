"""The learning curve of an encoder: measured while it is pre-trained, kept beside it, copied to where results lie."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.owned_paths import locked, owned, remove_own
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.identity import curve_settings
from nsp_ablation.pipeline.chain import RUN_FILES, Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import Encoder, TrainedEncoder
from nsp_ablation.pipeline.task_data import TaskData, tasks_of
from nsp_ablation.reporting.records.curve_file import (
    CurvePoint,
    KeptCurve,
    keep_curve,
    kept_curve,
    read_curve,
    write_curve,
)

_CURVE_FILE = "curve.csv"


@dataclass(frozen=True, eq=False)
class Curve(Artifact):
    """What `pretraining.evaluate_at` asks for of an encoder."""

    kind = "curves"
    encoder: TrainedEncoder

    def identity(self) -> Any:
        return curve_settings(self.encoder.config)

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.encoder,)

    def keep(self, points: list[CurvePoint]) -> None:
        """Write the curve that was measured while its encoder was trained."""
        build_once(self.directory, lambda directory: self._write(directory, points))

    def make(self) -> Path:
        """Return the directory. Where the encoder was trained without this curve, it is trained again for it.

        Raises as `TrainedEncoder.make`.
        """
        if not self.is_made:
            with locked(Path(f"{self.encoder.directory}.lock")):  # who trains the encoder now may keep its curve
                super().make()
        directory = super().make()
        if self.encoder.is_made:
            remove_own(self.encoder.run_directory, *RUN_FILES)
        return directory

    def build(self, directory: Path) -> None:
        with heavy_imports():
            from nsp_ablation.pipeline.device import model_threads
            from nsp_ablation.pipeline.encoder_training import train_for_curve

        if self.encoder.is_made:
            say(
                "pretrain",
                f"{self.encoder.name} was trained without this curve: trained again for it, and kept as it is",
            )
        with model_threads(self.encoder.config.model.num_threads):
            write_curve(directory / _CURVE_FILE, train_for_curve(self.encoder))

    def _write(self, directory: Path, points: list[CurvePoint]) -> None:
        write_curve(directory / _CURVE_FILE, points)
        self.note_inputs(directory)

    def tasks(self) -> list[TaskData]:
        """Return the tasks that are measured: the probes of held-out documents. Raises InputError as `tasks_of`."""
        tasks = tasks_of(self.encoder.config, self.encoder.stores.corpus)
        return [task for task in tasks if task.facts.reads == "heldout"]

    def points(self) -> list[CurvePoint]:
        """Return the points, by update; measured on first use."""
        return read_curve(self.make() / _CURVE_FILE)


def missing_curves(encoders: Iterable[Encoder], results: Path) -> list[Curve]:
    """Return the curves that are asked for, of encoders that are trained here, and that the results do not hold yet."""
    trained = [encoder for encoder in encoders if isinstance(encoder, TrainedEncoder)]
    curves = [Curve(encoder.root, encoder) for encoder in trained if curve_settings(encoder.config) is not None]
    return [curve for curve in curves if curve.key not in _kept(results, curve).asked]


def copy_curves(encoders: Iterable[Encoder], results: Path) -> None:
    """Write the missing curves into the folder of results, beside what other cells asked of the same encoders.

    Raises as `Curve.make`.
    """
    for curve in missing_curves(encoders, results):
        points = curve.points()
        with locked(owned(results, ".curves.lock")):
            kept = _kept(results, curve)
            merged = KeptCurve(_merged(kept.points, points), [*kept.asked, curve.key])
            path = keep_curve(results, curve.encoder.key, merged)
        say("pretrain", f"curve -> {path}")


def _kept(results: Path, curve: Curve) -> KeptCurve:
    try:
        return kept_curve(results, curve.encoder.key)
    except DamageError:  # it is written anew
        return KeptCurve([], [])


def _merged(earlier: list[CurvePoint], later: list[CurvePoint]) -> list[CurvePoint]:
    """Return the points of two curves of one encoder; of a metric that both have, the later."""
    found = {point.update: point for point in earlier}
    for point in later:
        before = found[point.update].metrics if point.update in found else {}
        found[point.update] = replace(point, metrics=before | point.metrics)
    return list(found.values())
