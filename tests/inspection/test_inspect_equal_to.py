"""`stage=inspect inspect.equal_to=RECORD`: the updates by which an arm equals a finished cell in its counts."""

import dataclasses
import re

import pytest

from nsp_ablation.base.artifact import write_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.options.output_options import InspectOptions
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.reporting.records.digest import write_sealed
from nsp_ablation.reporting.records.record import Condition, Provenance, ResultRecord
from nsp_ablation.reporting.records.training_facts import PretrainingFacts
from nsp_ablation.samples.batches.accounting import totals
from nsp_ablation.samples.batches.corpus_reading import corpus_reading
from nsp_ablation.samples.batches.equal_counts import planned_predictions
from nsp_ablation.stages.cell import CellRun, prints_samples
from nsp_ablation.stages.inspect import run

UPDATES = 20


def inspect(config, **asked):
    """Run the stage of a composed configuration with other options of `inspect`."""
    config = dataclasses.replace(config, inspect=InspectOptions(**asked))
    assert not prints_samples(config)
    run(CellRun(config, [], []))


@pytest.fixture
def record_of(composed, tmp_path):
    """record_of("full", **changes of its facts): the record of a cell that made UPDATES updates of a format."""

    def make(name, **changes):
        config, feed = composed(name), feed_of(composed(name)).open()
        read = totals(feed.plan, UPDATES, feed.store.num_tokens)
        facts = dict.fromkeys(field.name for field in dataclasses.fields(PretrainingFacts)) | {
            "updates": UPDATES,
            "tokens": read.tokens,
            "special_tokens": read.special_tokens,
            "passes": read.passes,
            "predictions": planned_predictions(feed.plan, UPDATES, config.masking),
            "unique_tokens": corpus_reading(feed.plan, UPDATES, feed.store, feed.frame).unique_tokens,
            **dict.fromkeys(("padding_tokens", "sequences", "trimmed_tokens"), 0),
            "seconds": 1.0,
        }
        record = ResultRecord(
            name="study",
            arm="trained",
            condition=Condition(name, name, *[None] * 11),
            science="x",
            pretraining_seed=1,
            finetuning_seed=None,
            task="t",
            status="failed",
            reason="of this test",
            pretraining=PretrainingFacts(**facts | changes),
            config={},
            provenance=Provenance(None, None, "3.11", "Linux", {}, "cpu", "x", "2026-11-29T00:00:00+00:00"),
        )
        path = tmp_path / f"{name}.json"
        write_sealed(path, dataclasses.asdict(record))
        return path, PretrainingFacts(**facts | changes)

    return make


def told(out):
    """(updates, count) of each line printed: of predictions, then of different tokens."""
    found = re.findall(
        r"pretraining\.max_steps=(\d+) gives ([\d,]+) (predictions|different tokens of the corpus);", out
    )
    assert [kind for _, _, kind in found] == ["predictions", "different tokens of the corpus"]
    return [(int(updates), int(count.replace(",", ""))) for updates, count, _ in found]


def test_an_arm_equals_itself_after_its_own_updates(composed, record_of, capsys):
    path, facts = record_of("full")
    inspect(composed("full"), equal_to=str(path))
    assert told(capsys.readouterr().out) == [(UPDATES, facts.predictions), (UPDATES, facts.unique_tokens)]


@pytest.mark.parametrize("name", ["segment_pair", "doc"])
def test_another_arm_comes_nearest_to_its_counts(composed, record_of, name, capsys):
    path, facts = record_of("full")
    inspect(composed(name), equal_to=str(path))
    out = capsys.readouterr().out
    assert "full has after 20 updates" in out
    feed, masking = feed_of(composed(name)).open(), composed(name).masking
    counts = (
        lambda updates: planned_predictions(feed.plan, updates, masking),
        lambda updates: corpus_reading(feed.plan, updates, feed.store, feed.frame).unique_tokens,
    )
    for (updates, shown), count, target in zip(
        told(out), counts, (facts.predictions, facts.unique_tokens), strict=True
    ):
        assert count(updates) == shown
        others = [abs(count(updates + step) - target) for step in (-1, 1)]
        assert abs(shown - target) <= min(others)


def test_a_count_that_no_number_of_updates_reaches_is_said(composed, record_of, capsys):
    num_tokens = feed_of(composed("full")).open().store.num_tokens
    path, _ = record_of("full", unique_tokens=num_tokens + 1)
    inspect(composed("full"), equal_to=str(path))
    assert f"never reaches the {num_tokens + 1:,} different tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"passes": 0.001}, "was trained on a corpus of .* tokens, and this one has"),
        ({"unique_tokens": None}, "tells no counts of a pre-training"),
    ],
)
def test_records_whose_counts_are_not_comparable_are_refused(composed, record_of, changes, words):
    path, _ = record_of("full", **changes)
    with pytest.raises(InputError, match=rf"inspect\.equal_to=.*full\.json {words}"):
        inspect(composed("full"), equal_to=str(path))


def test_what_is_no_record_is_refused(composed, tmp_path):
    write_json(tmp_path / "a.json", {"schema": 5})
    with pytest.raises(DamageError, match=r"a\.json: missing field"):
        inspect(composed("full"), equal_to=str(tmp_path / "a.json"))
