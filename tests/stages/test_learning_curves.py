"""Learning curves: what is measured on the way is what the records hold at the end, and training stays as it was."""

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.config.identity import curve_settings
from nsp_ablation.pipeline.curve_points import evaluated_updates
from nsp_ablation.pipeline.curves import Curve, copy_curves, missing_curves
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.evaluation import evaluate
from nsp_ablation.pipeline.inventory import take_inventory
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.curve_file import kept_curve

SMALL = ("model.num_layers=1", "model.hidden_size=16", "model.intermediate_size=16", "model.num_threads=1")
ASKED = "pretraining.evaluate_at=[100, 700, 90000]"


@pytest.fixture(scope="module")
def encoder_of(compose):
    """encoder_of(root, "format=full", ...) -> the encoder of that configuration, its artifacts below `root`."""

    def encoder(root, choice, *changes):
        config = compose(choice, *SMALL, *changes, f"paths.artifacts={root}")
        config.tasks = {"in_context_recall": replace(config.tasks["in_context_recall"], num_frequent=0)}
        return trained_encoder(config)

    return encoder


@pytest.fixture(scope="module")
def measured(encoder_of, tmp_path_factory):
    """The encoder of FULL that was measured on the way, with its curve; nobody changes its files."""
    encoder = encoder_of(tmp_path_factory.mktemp("measured"), "format=full", ASKED)
    encoder.make()
    return encoder


@pytest.fixture
def unmeasured(encoder_of, measured, tmp_path):
    """The same encoder, trained without a curve, in a copy of what it is made from."""
    shutil.copytree(measured.root, tmp_path / "artifacts", ignore=shutil.ignore_patterns("encoders", "curves"))
    encoder = encoder_of(tmp_path / "artifacts", "format=full")
    encoder.make()
    return encoder


def test_a_point_is_the_update_by_which_its_tokens_are_read_and_the_end_is_one():
    assert evaluated_updates([100, 101, 1000, 200], 100.0, 9) == [1, 2, 9]
    assert evaluated_updates([1], 0.5, 9) == [2, 9]
    assert evaluated_updates([900], 100.0, 9) == [9]
    assert evaluated_updates([], 100.0, 9) == []


@pytest.mark.parametrize("layout", ["single sequences", "pairs"])
def test_the_last_point_is_what_the_encoder_and_its_records_hold(measured, encoder_of, tmp_path, layout):
    encoder = measured
    if layout == "pairs":
        shutil.copytree(measured.root, tmp_path / "artifacts")
        encoder = encoder_of(tmp_path / "artifacts", "format=segment_pair", ASKED, "format.pair_separator=double")
        encoder.make()
    first, *_, last = Curve(encoder.root, encoder).points()
    assert first.tokens >= 100 > first.tokens * (first.update - 1) / first.update
    assert last.update == encoder.config.pretraining.max_steps
    facts = encoder.facts()
    assert (last.tokens, last.metrics["mlm_loss"]) == (facts.tokens, facts.mlm_loss)
    assert last.metrics.get("nsp_accuracy") == facts.nsp_accuracy
    assert first.metrics["mlm_loss"] != last.metrics["mlm_loss"]
    (task,) = tasks_of(encoder.config, encoder.stores.corpus)
    outcome, *_ = evaluate(encoder.config, encoder, task, None, tmp_path / "state")
    probe = {f"in_context_recall.{name}": value for name, value in outcome.metrics.items()}
    assert {name: last.metrics[name] for name in probe} == probe


def test_an_encoder_is_the_same_whether_it_is_measured_on_the_way_or_not(measured, unmeasured):
    assert unmeasured.key == measured.key
    assert unmeasured.run_directory.name != measured.run_directory.name
    weights = [(encoder.make() / "model.safetensors").read_bytes() for encoder in (unmeasured, measured)]
    assert weights[0] == weights[1]
    assert not list(measured.root.glob("runs/*")), "nothing of an interrupted training is left"


def test_who_asks_for_a_curve_gets_it_also_where_the_encoder_is_there(measured, unmeasured, encoder_of, capsys):
    before = (unmeasured.directory / "model.safetensors").stat()
    asked = encoder_of(unmeasured.root, "format=full", ASKED)
    found = Curve(asked.root, asked).points()
    printed = capsys.readouterr().out
    assert f"encoders/{asked.key} was trained without this curve" in printed
    assert "warning" not in printed, "the second training ended in the same weights"
    assert found == Curve(measured.root, measured).points()
    assert (unmeasured.directory / "model.safetensors").stat() == before, "the encoder stays"
    assert not list(asked.root.glob("runs/*"))


def test_results_keep_a_curve_and_ask_for_no_other(measured, encoder_of, tmp_path):
    results, root = tmp_path / "results", tmp_path / "artifacts"
    copy_curves([measured], results)
    (path,) = (results / "curves").glob("*.csv")
    header, *rows = path.read_text().splitlines()
    assert (path.stem, header) == (measured.key, "update,tokens,metric,value")
    assert {row.split(",")[2] for row in rows} >= {"mlm_loss", "in_context_recall.accuracy"}
    assert missing_curves([encoder_of(root, "format=full", ASKED)], results) == [], "also without any artifact"
    shutil.copytree(measured.root, root)
    other = encoder_of(root, "format=full", "pretraining.evaluate_at=[400]")
    before = kept_curve(results, measured.key)
    assert len(missing_curves([other], results)) == 1
    copy_curves([other], results)
    after = kept_curve(results, measured.key)
    assert [point for point in after.points if point in before.points] == before.points
    assert (len(after.points), len(after.asked)) == (len(before.points) + 1, 2)


@pytest.mark.parametrize("damage", ["edited", "cut", "lost", "lost hash"])
def test_a_curve_that_was_damaged_is_written_anew(measured, tmp_path, damage):
    results, encoder = tmp_path / "results", measured
    copy_curves([encoder], results)
    path, seal = results / "curves" / f"{encoder.key}.csv", results / "curves" / f"{encoder.key}.json"
    whole = path.read_bytes()
    if damage == "edited":
        path.write_bytes(whole[:-2] + (b"1" if whole[-2:-1] != b"1" else b"2") + b"\n")
    elif damage == "cut":
        path.write_bytes(whole[:-20])
    else:
        (path if damage == "lost" else seal).unlink()
    with pytest.raises(ValueError, match=f"{encoder.key}.* delete it, and the command of its sweep writes it anew"):
        kept_curve(results, encoder.key)
    copy_curves([encoder], results)
    assert path.read_bytes() == whole
    assert kept_curve(results, encoder.key).points


def test_a_curve_without_anything_to_measure_is_refused_before_training(compose, small_corpus, tmp_path):
    """The few documents held out make no pair, though the corpus does, and no probe is asked for."""
    changes = ("corpus.heldout_fraction=0.02", f"paths.artifacts={tmp_path}", ASKED)
    config = copy.deepcopy(compose("format=segment_pair", "format.lone_sentences=skip", *SMALL, *changes))
    config.tasks = {}
    encoder = trained_encoder(config)
    if encoder.feed.open().heldout_index is not None:
        pytest.skip("the held-out documents of this corpus make a pair")
    with pytest.raises(InputError, match="evaluate_at: .*nothing to measure; raise corpus.heldout_fraction"):
        encoder.make()


def test_a_curve_is_kept_as_long_as_its_encoder_is_used(measured):
    items = {item.name: item for item in take_inventory(measured.root, [("a record", [measured.name])])}
    (name,) = [name for name in items if name.startswith("curves/")]
    assert items[name].records == {"a record"}
    (unused,) = [item for item in take_inventory(measured.root, []) if item.name == name]
    assert unused.records == set()


def test_what_a_curve_measures_is_part_of_its_name_and_not_of_the_encoder(compose):
    plain, asked = compose("format=full"), compose("format=full", ASKED)
    assert curve_settings(plain) is None
    fewer = copy.deepcopy(asked)
    fewer.tasks = {}
    nearer = compose("format=full", ASKED, "probes.in_range_tokens=20")
    points = compose("format=full", "pretraining.evaluate_at=[100]")
    settings = [curve_settings(config) for config in (asked, points, fewer, nearer)]
    assert all(settings[0] != other for other in settings[1:])
    turned = compose("format=full", "pretraining.evaluate_at=[90000, 700, 100, 100]")
    assert curve_settings(turned) == settings[0]
    assert len({trained_encoder(config).key for config in (plain, asked, fewer, turned)}) == 1
    assert Path(trained_encoder(plain).run_directory).name == trained_encoder(plain).key
