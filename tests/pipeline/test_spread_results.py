"""Results that ranks share: which come first, and what another machine does until it sees what the first one made."""

import math
from pathlib import Path

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


def test_what_reads_most_comes_first_and_probes_last(results):
    """Bytes of the training file, times passes, times how often an example repeats its text."""
    made = results("tasks=[in_context_recall,sst2,squad1]", "finetuning.seeds=[1,2]")
    order = sorted(made, key=spread_results._bytes_to_read, reverse=True)
    names = [result.task.options.name for result in order]
    assert names[-1] == "in_context_recall"
    assert names.index("sst2") > names.index("squad1"), "short sentences, read once"
    assert spread_results._bytes_to_read(order[-1]) == 0
    assert all(0 < spread_results._bytes_to_read(result) < math.inf for result in order[:-1])


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

    monkeypatch.setattr(spread_results.time, "sleep", appears)
    monkeypatch.setattr(spread_results, "make_one", lambda result, *_: made.append(result.id))
    assert spread_results.work_of(result.config, Path(tmp_path), hears_nothing)(result.id) is None
    assert (made, len(looks)) == ([result.id], 1)
