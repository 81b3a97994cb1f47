"""The study in each state in which it is damaged, made once and copied for each case."""

import re
import signal
from pathlib import Path

import pytest

from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO

RESULTS = tuple(f"results/adhoc/{name}/" for name in ("records", "scores", "items", "predictions"))
# What a command makes anew of a corpus that is there.
AFTER_CORPUS = ("artifacts/tokenizers/", "artifacts/stores/", "artifacts/encoders/", "artifacts/baselines/")


class States:
    """`plans` holds the cells of the study over files, and of the one over a generated corpus; `study(path, plan)` is
    a study there, `matrix` names the states."""

    def __init__(self, root: Path, plans: dict[str, object], matrix) -> None:
        self._root, self._plans, self._matrix = root, plans, matrix
        self._first: dict[str, set[str]] = {}  # the files of the first cell, by plan

    def give(self, state, study, destination):
        """Return a copy of the study in a state, the tables of the finished one, and the files of its first cell."""
        plan = "generated" if state == self._matrix.GENERATED else "files"
        done = study(self._root / plan, self._plans[plan])
        if plan not in self._first:
            assert not (first := done.run(number=0)).status, first.errors
            self._first[plan] = done.files()
            assert not (whole := done.run()).status, whole.errors
        path = self._root / plan if state == self._matrix.DONE else self._root / re.sub(r"\W+", "_", state)
        if not path.is_dir():
            self._lose(state, done.copy(path), self._first[plan])
        return study(path, self._plans[plan]).copy(destination), done.tables(), self._first[plan]

    def _lose(self, state, study, first) -> None:
        """Bring a copy of the finished study, whose first cell made the files `first`, into a state."""
        matrix = self._matrix
        for name in first:
            if self._is_lost(name, state):
                (study.path / name).unlink()
        for path in sorted(study.path.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        if state in (matrix.PRETRAINING, matrix.FINETUNING):
            _stop_at_the_first_checkpoint(study)

    def _is_lost(self, name, state) -> bool:
        """Whether a file of the first cell is not there in a state."""
        matrix = self._matrix
        if state == matrix.NO_CURVE:
            return name.startswith("results/adhoc/curves/")
        task = "sst2" if state in (matrix.NO_TASK, matrix.FINETUNING) else "heldout_mlm"
        is_result = name.startswith(RESULTS) and (task in name or state == matrix.GENERATED)
        is_encoder = name.startswith("artifacts/encoders/") and state in (matrix.NO_ENCODER, matrix.PRETRAINING)
        return is_result or is_encoder or (state == matrix.GENERATED and name.startswith(AFTER_CORPUS))


def _stop_at_the_first_checkpoint(study) -> None:
    """Run the first cell and ask it to stop while it saves."""
    save = BackgroundCheckpointIO.save_checkpoint

    def save_and_ask(self, *arguments, **options):
        signal.raise_signal(signal.SIGTERM)
        save(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BackgroundCheckpointIO, "save_checkpoint", save_and_ask)
        assert study.run(number=0).status == 128 + signal.SIGTERM
    assert list(study.path.glob("artifacts/runs/*/last.ckpt"))
