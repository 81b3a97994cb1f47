"""A small folder of results: two records of one task, their scores and predictions, and the sweep that made them."""

import numpy as np
import pytest

from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.record import Condition, Provenance, ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell

PROVENANCE = Provenance(None, None, "3.11", "Linux", {}, "cpu", "sdpa", "2026-11-24T10:00:00+00:00")
SCORES = {"a": [1.0, 0.0, 1.0, 1.0], "b": [0.0, 0.0, 1.0, 0.0]}


def examples_of(scores, ids=None, metric="accuracy", clusters=None):
    """Return what a record holds of examples whose scores' mean is its metric; each is a cluster of its own."""
    scores = np.array(scores)
    ids = [f"e{number}" for number in range(len(scores))] if ids is None else ids
    return ExampleScores(ids, ids if clusters is None else clusters, {metric: scores}, scores)


def write_record(folder, record_id, scores=None):
    """Write a done record whose accuracy is the mean of its scores."""
    scores = np.array(SCORES[record_id] if scores is None else scores)
    record = ResultRecord(
        name="study",
        arm="trained",
        condition=Condition(record_id, record_id, *[None] * 11),
        science=record_id,
        pretraining_seed=1,
        finetuning_seed=1,
        task="sst2",
        status="done",
        metrics={"accuracy": float(scores.mean())},
        primary_metric="accuracy",
        config={},
        provenance=PROVENANCE,
    )
    examples = examples_of(scores)
    RecordFolder(folder).write(record_id, record, examples, dict.fromkeys(examples.ids, record_id))


@pytest.fixture
def study(tmp_path):
    """`results/study`, with records `a` and `b`, each of a cell that is done."""
    folder = tmp_path / "results" / "study"
    for key in SCORES:
        write_record(folder, key)
    cells = [SweepCell(key, [f"format={key}"], [], "planned", None) for key in SCORES]
    begin_sweep(folder, Manifest("python run.py -m format=a,b", "2026-11-24T10:00:00+00:00", cells))
    for key in SCORES:
        write_cell(folder, SweepCell(key, [f"format={key}"], [key], "done", None))
    return folder
