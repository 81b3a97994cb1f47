"""Results that ranks share: what another machine does until it sees what the first one made."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from nsp_ablation.pipeline import spread_results
from nsp_ablation.pipeline.cell_life import hears_nothing
from nsp_ablation.pipeline.encoders import encoders_of
from nsp_ablation.pipeline.results import results_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.record_folder import RecordFolder


@pytest.fixture
def results(config):
    """results("key=value"): what the cell of a command makes, its encoder untrained."""

    def make(*words):
        found = config("encoder=random", "corpus=microworld", "corpus.num_documents=200", *words)
        (encoder,) = encoders_of(found)
        return results_of(found, encoder, tasks_of(found, encoder.stores.corpus))

    return make


def test_an_encoder_that_another_machine_never_sees_fails_the_record_with_the_remedy(results, monkeypatch, tmp_path):
    monkeypatch.setattr(spread_results, "_SEEN_SECONDS", 0.0)
    (result,) = results("tasks=[in_context_recall]")
    folder = tmp_path / "results"
    work = spread_results.work_of(result.config, folder, hears_nothing)
    reason = work(result.id)
    assert str(result.encoder.directory) in reason
    assert "paths.artifacts" in reason
    assert not RecordFolder(folder).is_done(result.id)
    assert len([*folder.glob("records/*.json")]) == 1


def test_an_encoder_that_appears_is_waited_for(results, monkeypatch, tmp_path):
    (result,) = results("tasks=[in_context_recall]")
    directory, made, looks = result.encoder.directory, [], []

    def appears(seconds: float) -> None:
        looks.append(seconds)
        directory.mkdir(parents=True)

    monkeypatch.setattr(spread_results, "time", SimpleNamespace(monotonic=time.monotonic, sleep=appears))
    monkeypatch.setattr(spread_results, "make_one", lambda result, *_: made.append(result.id))
    assert spread_results.work_of(result.config, Path(tmp_path), hears_nothing)(result.id) is None
    assert (made, len(looks)) == ([result.id], 1)
