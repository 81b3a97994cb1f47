"""Finished runs on dashboards: whole, once, from our own files; read back by the dashboards' own readers."""

import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nsp_ablation.options.output_options import LoggerOptions
from nsp_ablation.reporting.dashboards import wandb_run
from nsp_ablation.reporting.dashboards.finished_run import FinishedRun, RunNames, encoder_run, result_run
from nsp_ablation.reporting.dashboards.tensorboard_run import EventFile, write_tensorboard
from nsp_ablation.reporting.dashboards.wandb_run import LiveRun, connected, fill, write_wandb
from nsp_ablation.reporting.records.curve_file import CurvePoint
from nsp_ablation.reporting.records.data_card import CardEntry, DataCard
from nsp_ablation.reporting.render.run_figures import lengths_figure, scores_histogram

CONDITION = {"name": "full", "format": "full", "copies": None}
NAMES = RunNames(
    id="e1",
    name="full-p1",
    group="study full-p1-0a",
    job_type="pretraining",
    tags=["study", "seed 1"],
    config={"arm": "trained", "condition": CONDITION, "science": "s", "seed": 1, "model": {"name": "micro"}},
)
LOG = [CurvePoint(10, 900, {"pretraining/mlm_loss": 3.0}), CurvePoint(20, 1850, {"pretraining/mlm_loss": 2.5})]
CURVE = [CurvePoint(15, 1300, {"mlm_loss": 2.9}), CurvePoint(20, 1850, {"mlm_loss": 2.6, "recall.accuracy": 0.5})]
FACTS = {"pretraining": {"tokens": 1850, "nsp_accuracy": None}, "tokens_at_positions": [9, 9, 5, 5, 1]}
CARD = DataCard("c", "x", "bbpe", "full", "mlm", 96, [], [], [CardEntry("d", "<documents>", "1 & 2", 1, "ok", None)])
ROWS = [
    {"update": 10, "tokens": 900, "pretraining/mlm_loss": 3.0},
    {"update": 15, "tokens": 1300, "evaluation/mlm_loss": 2.9},
    {
        **{"update": 20, "tokens": 1850, "pretraining/mlm_loss": 2.5},
        **{"evaluation/mlm_loss": 2.6, "evaluation/recall.accuracy": 0.5},
    },
]
OPTIONS = LoggerOptions(name="wandb", project="p")


def finished():
    return encoder_run(NAMES, FACTS, LOG, CURVE, CARD)


class FakeRun:
    """What a run is told."""

    entity, project = "me", "p"

    def __init__(self, directory, shown=None):
        self.dir = str(directory / "files")
        self.summary, self.rows, self.is_finished = dict(shown or {}), [], False

    def log(self, row):
        self.rows.append(row)

    def define_metric(self, name, **how):
        pass

    def finish(self):
        self.is_finished = True


@pytest.fixture
def started(monkeypatch, tmp_path):
    """started.calls: what `wandb.init` was told; started.run: the run that it gives, started.error: what it raises."""
    wandb = pytest.importorskip("wandb")

    class Started:
        def __init__(self):
            self.calls, self.error = [], None
            (tmp_path / "logs" / "wandb" / "run-1-e1").mkdir(parents=True)
            self.run = FakeRun(tmp_path / "logs" / "wandb" / "run-1-e1")

    started = Started()

    def init(**settings):
        started.calls.append(settings)
        if started.error is not None:
            raise started.error
        return started.run

    monkeypatch.setattr(wandb, "init", init)
    wandb_run._given_up.cache_clear()
    yield started
    wandb_run._given_up.cache_clear()


def test_a_run_of_an_encoder_holds_its_log_its_curve_its_facts_and_its_last_scores():
    run = finished()
    assert [{"update": one.update, "tokens": one.tokens, **one.metrics} for one in run.points] == ROWS
    assert run.summary == {"facts/tokens": 1850, "final/mlm_loss": 2.6, "final/recall.accuracy": 0.5}
    assert run.figures.keys() == {"lengths", "curve"}
    assert encoder_run(NAMES, FACTS, [], [], None).points == []


def test_the_data_card_is_a_page_that_shows_its_lines_as_they_are():
    shown = []
    parser = HTMLParser()
    parser.handle_data = lambda data: shown.append(data.strip())
    parser.feed(finished().pages["data_card"])
    assert [text for text in shown if text][1:] == ["<documents>", "1 & 2", "ok"]
    assert encoder_run(NAMES, FACTS, LOG, CURVE, None).pages == {}


def test_a_run_of_a_result_names_its_scores_as_curves_do_and_draws_its_examples(results):
    key = results.add("sst2", items={"accuracy": [1.0, 0.0, 1.0, 1.0]})
    record, examples = results.folder.read(key), results.folder.examples(key)
    run = result_run(NAMES, record, LOG, examples, None)
    assert run.summary["final/sst2.accuracy"] == 0.75
    assert run.summary["facts/num_examples"] == 4
    assert run.summary["record"] == key
    assert run.figures["scores"].count("<rect") == 2  # wrong ones and right ones
    probe = replace(record, finetuning=None, finetuning_seed=None)
    assert "facts/seconds" not in result_run(NAMES, probe, [], examples, None).summary


def test_one_value_and_none_but_zeros_are_drawn(results):
    key = results.add("sst2", items={"accuracy": [0.0, 0.0]})
    assert (
        "<rect" in result_run(NAMES, results.folder.read(key), [], results.folder.examples(key), None).figures["scores"]
    )
    assert "<rect" in encoder_run(NAMES, FACTS | {"tokens_at_positions": [7]}, [], [], None).figures["lengths"]


def test_a_run_that_goes_on_sends_nothing_that_it_shows(tmp_path):
    for shown, expected in (({}, [10, 15, 20]), ({"update": 15}, [20]), ({"update": 20}, [])):
        run = FakeRun(tmp_path, shown)
        live = LiveRun(run)
        for point in finished().points:
            live.write(point.update, point.tokens, point.metrics)
        live.close()
        assert [row["update"] for row in run.rows] == expected
        assert run.is_finished


def test_online_the_run_of_its_id_gets_what_it_lacks_once(started, tmp_path):
    started.run.summary["update"] = 15
    online = replace(OPTIONS, offline=False, entity="me")
    for _ in range(2):
        sent = write_wandb("e1", finished, tmp_path / "logs", online)
        assert (sent.entity, sent.project) == ("me", "p")
    (call,) = started.calls
    assert (call["mode"], call["id"], call["resume"], call["entity"]) == ("online", "e1", "allow", "me")
    *rows, media = started.run.rows
    assert rows == ROWS[2:]
    assert media.keys() == {"figures/lengths", "figures/curve", "data_card"}
    assert started.run.summary["final/mlm_loss"] == 2.6


def test_a_process_that_does_not_reach_wandb_warns_once_and_waits_once(started, tmp_path):
    started.error = OSError("no route")
    online = replace(OPTIONS, offline=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert connected(NAMES, tmp_path, online) is None
        assert connected(NAMES, tmp_path, online) is None
    assert len(started.calls) == len(caught) == 1
    assert "wandb is not reachable (no route); runs are written offline" in str(caught[0].message)


def test_names_and_tags_are_cut_to_what_wandb_takes_and_stay_different(started, tmp_path):
    long, other = "x" * 200, "x" * 199 + "y"
    connected(replace(NAMES, name=long, group=other, tags=[long, other, "a", "a"]), tmp_path, OPTIONS)
    (call,) = started.calls
    tags = call["tags"]
    assert (len(call["name"]), len(call["group"])) == (128, 128)
    assert call["name"] != call["group"]
    assert ([len(tag) for tag in tags], tags[2]) == ([64, 64, 1], "a")
    assert tags[0] != tags[1]
    wandb = pytest.importorskip("wandb")
    assert wandb.Settings(run_tags=tags, project=call["project"]).run_tags == tuple(tags)


def test_nothing_but_a_summary_is_logged_of_an_empty_run(tmp_path):
    run = FakeRun(tmp_path)
    fill(run, FinishedRun(NAMES, [], {"facts/x": 1}, {}))
    assert (run.rows, run.summary) == ([], {"facts/x": 1})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_offline_run_is_written_once_whole_and_wandb_reads_it(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # where wandb's service stays
    write_wandb("other", lambda: FinishedRun(replace(NAMES, id="other"), [], {}, {}), Path("logs"), OPTIONS)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert write_wandb("e1", finished, Path("logs"), OPTIONS) is None
    (log,) = (tmp_path / "logs").rglob("*.wandb")
    directory = log.parent
    assert directory.parent == tmp_path / "logs" / "wandb"
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", log]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in read.stdout.splitlines()]
    by_type = {kind: [one[kind] for one in records if one["type"] == kind] for kind in ("run", "history", "summary")}
    (run,) = by_type["run"]
    assert (run["run_id"], run["run_group"], run["job_type"]) == ("e1", NAMES.group, "pretraining")
    assert run["host"] == "not recorded"
    assert "git" not in run
    assert {key: run["config"]["update"][key] for key in NAMES.config} == NAMES.config
    items = [one["item"] for one in by_type["history"]]
    shown = [{key: value for key, value in item.items() if not key.startswith("_")} for item in items]
    assert shown[: len(ROWS)] == ROWS
    summary = {}
    for one in by_type["summary"]:
        summary |= one["update"]
    assert finished().summary.items() <= summary.items()
    pages = {path.name.split("_")[0]: path.read_text() for path in directory.rglob("*.html")}
    assert pages["lengths"] == finished().figures["lengths"]
    assert pages["data"] == finished().pages["data_card"]
    assert records[-1]["type"] == "exit"


def scalars(directory):
    """Return what TensorBoard's own reader has of a run: [(step, value)] by tag."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(directory), size_guidance={reader.SCALARS: 0}).Reload()
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_tensorboard_has_curves_by_updates_and_by_tokens_and_final_scores(tmp_path):
    for _ in range(2):
        write_tensorboard(finished, tmp_path / "run")
    (file,) = (tmp_path / "run").iterdir()
    assert file.name.endswith(".complete")
    found = scalars(tmp_path / "run")
    assert found["pretraining/mlm_loss"] == [(10, 3.0), (20, 2.5)]
    assert found["by_tokens/pretraining/mlm_loss"] == [(900, 3.0), (1850, 2.5)]
    assert found["evaluation/recall.accuracy"] == [(20, 0.5)]
    assert found["final/recall.accuracy"] == [(20, 0.5)]
    assert found["facts/tokens"] == [(20, 1850.0)]


def test_tensorboard_shows_each_update_of_a_resumed_training_once(tmp_path):
    first = EventFile(tmp_path)
    for update in (10, 20, 30):
        first.write(update, 100 * update, {"loss": 5.0})
    first.close()
    second = EventFile(tmp_path, [CurvePoint(10, 1000, {"loss": 5.0})])  # what the log holds up to the checkpoint
    second.write(20, 2000, {"loss": 4.0})
    second.close()
    assert scalars(tmp_path) == {
        "loss": [(10, 5.0), (20, 4.0)],
        "by_tokens/loss": [(1000, 5.0), (2000, 4.0)],
    }
    write_tensorboard(finished, tmp_path)
    assert len([*tmp_path.iterdir()]) == 1


def test_tensorboard_tells_runs_apart_by_their_condition(tmp_path):
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write_tensorboard(finished, tmp_path)
    metadata = reader.EventAccumulator(str(tmp_path)).Reload().SummaryMetadata("_hparams_/session_start_info")
    data = plugin.HParamsPluginData.FromString(metadata.plugin_data.content)
    found = {name: value.string_value for name, value in data.session_start_info.hparams.items()}
    assert found == {"name": "full", "format": "full", "arm": "trained", "run": "full-p1"}


def heights(svg):
    return [float(found) for found in re.findall(r'<rect [^>]*height="([^"]+)"', svg)]


def test_a_histogram_counts_every_value_once():
    lengths = heights(lengths_figure([10, 10, 4, 4, 1]))  # 6 inputs of 2 tokens, 3 of 4, 1 of 5
    assert [height / max(lengths) for height in lengths] == pytest.approx([1, 3 / 6, 1 / 6], abs=0.01)
    assert len(heights(scores_histogram([number / 100 for number in range(101)], "t", "f1"))) == 30


def test_files_of_runs_lie_where_the_pages_say():
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    assert "wandb sync artifacts/logs/wandb/offline-run-*" in text
    assert "tensorboard --logdir artifacts/logs/tensorboard" in text
