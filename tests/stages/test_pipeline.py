"""The whole way at scale=smoke: a sweep ends in a table, a repeated one has nothing to do, exports load anywhere."""

import contextlib
import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForPreTraining,
    BertModel,
    RobertaModel,
    RobertaTokenizer,
)

from nsp_ablation.learning.engine.quiet import quiet_transformers

TASKS = ("squad1", "squad2", "mnli", "sst2", "race")
ROOT = Path(__file__).parents[2]
SMALL = (
    *("scale=smoke", "finetuning.untrained_row=false", "corpus.heldout_fraction=0.1", "launcher.num_cells=1"),
    *("model.num_layers=1", "model.hidden_size=16", "model.num_heads=1", "model.intermediate_size=16"),
    *("trainer.progress=false",),
)
PROBED = ("tasks=[heldout_mlm]", "report.primary_measure=heldout_mlm")
# What each experiment runs with: a task that takes no training; the A/A study with a seed on either side.
SMOKE = {path.stem: PROBED for path in sorted((ROOT / "experiments").glob("*.yaml"))}
SMOKE["tokenizer"] = ("tasks=[word_recall]", "report.primary_measure=word_recall")  # no other probe compares them
SMOKE |= {"aa": (*PROBED, "seed=1,6"), "calibration": ("tasks=[sst2]",)}
# Those of all arms at one scale (tests/config/test_compositions.py), five of the study, whose budget is another's,
# another seed's of the A/A study, fifteen sensitivity cells (equal counts are equal updates here), two of long inputs.
NUM_ENCODERS = 26 + 5 + 1 + 15 + 2
SMOKE_SECONDS = 90  # of CPU; 37 were measured, beside other jobs


def table(tmp_path, name="adhoc"):
    with open(tmp_path / "results" / name / "report" / "table.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_sweep_over_formats_and_masks_ends_in_a_table_and_is_done_once(nsp, tmp_path):
    command = ("-m", "format=segment_pair,sentence_pair,full,doc", "masking=static,dynamic", "scale=smoke")
    first = nsp(*command)
    assert first.status == 0, first.err
    rows = [row for row in table(tmp_path) if row["arm"] == "trained" and row["task"] in TASKS]
    cells = {(row["format"], row["masking"], row["task"]) for row in rows if row["metric"] in ("f1", "accuracy")}
    assert len(cells) == 4 * 2 * 5
    assert all(row["published"] == "" for row in rows), "no published number stands beside the micro-world"
    assert any(row["arm"] == "random" for row in table(tmp_path))
    records = {path: path.read_bytes() for path in (tmp_path / "results" / "adhoc" / "records").iterdir()}
    again = nsp(*command)
    assert again.status == 0
    assert "pretrain |" not in again.out
    assert "finetune |" not in again.out
    assert {path: path.read_bytes() for path in (tmp_path / "results" / "adhoc" / "records").iterdir()} == records


@pytest.mark.slow
def test_every_experiment_runs_at_smoke_scale_and_shares_its_cells(nsp, tmp_path):
    """In one process and on one folder of artifacts, so that an encoder is trained once."""
    started, lines = time.process_time(), []
    for experiment, words in SMOKE.items():
        ended = nsp("-m", f"experiment={experiment}", *SMALL, *words)
        assert ended.status == 0, ended.err
        lines += ended.out.splitlines()
        assert table(tmp_path, f"{experiment}/smoke")
        report = tmp_path / "results" / experiment / "smoke" / "report"
        for output in ("table.md", "table.tex", "comparisons.csv", "report.html", "appendix.tex"):
            assert (report / output).stat().st_size > 0
        assert list((report / "figures").glob("*.svg"))
        with open(report / "comparisons.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if "@updates=" not in row["a"] + row["b"]]  # of one scale
            assert all(row["difference"] for row in rows), "every comparison has its arms"
    seconds = time.process_time() - started
    print(f"\nevery experiment at scale=smoke: {seconds:.0f} s of CPU, of {SMOKE_SECONDS} allowed")
    made = [line for line in lines if "encoder ->" in line]
    assert len(made) == len({*made}) == NUM_ENCODERS, "one training for each arm and seed, whoever asks for it"
    assert seconds < SMOKE_SECONDS


def test_one_cell_leaves_a_record_that_agrees_with_its_scores(nsp, tmp_path, smoke_artifacts):
    ended = nsp("scale=smoke", "format=doc", "tasks=[sst2]", "finetuning.untrained_row=false", smoke_artifacts)
    assert ended.status == 0, ended.err
    (path,) = (tmp_path / "results" / "adhoc" / "records").glob("*.json")
    record = json.loads(path.read_text())
    scores = np.load(tmp_path / "results" / "adhoc" / "scores" / f"{path.stem}.npy")
    assert record["metrics"]["accuracy"] == pytest.approx(scores.mean())
    assert record["num_examples"] == len(scores)
    assert record["condition"]["format"] == "doc"
    assert record["condition"]["objective"] == "mlm"
    assert record["config"]["paths"]["artifacts"] == "artifacts"
    private = record.pop("private")
    assert private["values"]["/config/paths/artifacts"] == smoke_artifacts.partition("=")[2]
    assert str(Path.home()) not in json.dumps(record)
    assert str(tmp_path.parent) not in json.dumps(record)
    facts = record["pretraining"]
    assert facts["updates"] == 5
    assert facts["pairs"] is None
    assert facts["padding_tokens"] == facts["sequences"] * record["condition"]["max_length"] - facts["tokens"]


def test_an_encoder_from_elsewhere_is_a_row(nsp, tmp_path, smoke_artifacts):
    assert nsp("stage=export", "scale=smoke", "export.output=encoder", smoke_artifacts).status == 0
    ended = nsp("stage=finetune", "scale=smoke", "encoder=encoder", "tasks=[sst2]", smoke_artifacts)
    assert ended.status == 0, ended.err
    assert {row["arm"] for row in table(tmp_path)} == {"external"}


@pytest.mark.parametrize(
    ("architecture", "tokenizer", "format_name", "model_class", "tokenizer_class"),
    [
        ("bert", "wordpiece", "segment_pair", BertModel, AutoTokenizer),
        ("roberta", "bbpe", "full", RobertaModel, RobertaTokenizer),
    ],
)
def test_an_export_loads_in_transformers(
    nsp, tmp_path, smoke_artifacts, architecture, tokenizer, format_name, model_class, tokenizer_class
):
    options = ("scale=smoke", f"model.architecture={architecture}", f"tokenizer={tokenizer}", f"format={format_name}")
    assert nsp("stage=export", *options, "export.output=encoder", smoke_artifacts).status == 0
    model, info = model_class.from_pretrained(tmp_path / "encoder", output_loading_info=True)
    assert not info["missing_keys"]
    loaded = tokenizer_class.from_pretrained(tmp_path / "encoder")
    with torch.no_grad():
        hidden = model(**loaded("Anna lived in Rome.", return_tensors="pt")).last_hidden_state
    assert torch.isfinite(hidden).all()
    if architecture == "bert":
        _, info = BertForPreTraining.from_pretrained(tmp_path / "encoder", output_loading_info=True)
        assert not info["missing_keys"]
    facts = json.loads((tmp_path / "encoder" / "pretraining.json").read_text())
    assert facts["condition"]["format"] == format_name
    assert facts["tokens_at_positions"][0] == facts["pretraining"]["sequences"]
    plateau = facts["pretraining"]["plateau"]
    assert 3 < plateau["below"] < plateau["unigram_entropy"] < 8
    assert (plateau["update"], plateau["tokens"]) == (None, None), "five updates leave nothing"
    assert facts["pretraining"]["device"].startswith("cpu ")
    runs_as_its_card_says(tmp_path / "encoder", facts)


def runs_as_its_card_says(directory, facts):
    """Hold the model card of an export to its facts, and its examples to the model itself."""
    text, card = (directory / "README.md").read_text(), ModelCard.load(directory / "README.md")
    assert (card.data.license, card.data.pipeline_tag, card.data.library_name) == (
        "apache-2.0",
        "fill-mask",
        "transformers",
    )
    assert f"| real tokens read | {facts['pretraining']['tokens']:,} |" in text
    assert "stage=export scale=smoke" in text
    assert not re.search(rf"{re.escape(str(directory.parents[1]))}|{re.escape(str(Path.home()))}/", text)
    examples = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    page = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "exports.md").read_text(), re.MULTILINE | re.DOTALL)
    has_pairs = facts["condition"]["objective"] == "mlm_nsp"
    assert (len(examples), len(page)) == (1 + has_pairs, 2)
    names = {}
    with contextlib.chdir(directory.parent), quiet_transformers():
        for example in [*examples, *page[: 1 + has_pairs]]:
            exec(compile(example.replace("my-encoder", directory.name), "README.md", "exec"), names)
        masked_lm = AutoModelForMaskedLM.from_pretrained(directory).eval()
        tokenizer = names["fill_mask"].tokenizer
        with torch.no_grad():
            hidden = masked_lm.base_model(**tokenizer("Anna lived in Rome.", return_tensors="pt")).last_hidden_state
            masked = tokenizer(f"Anna lived in {tokenizer.mask_token}.", return_tensors="pt")
            at_mask = masked["input_ids"][0] == tokenizer.mask_token_id
            best = masked_lm(**masked).logits[0, at_mask][0].softmax(0).topk(5)
    torch.testing.assert_close(torch.tensor(names["vectors"]), hidden[0])
    assert [one["token"] for one in names["words"]] == best.indices.tolist()
    torch.testing.assert_close(torch.tensor([one["score"] for one in names["words"]]), best.values)
    if has_pairs:
        assert 0 < names["p_random"] < 1
        assert names["logits"].shape == (1, 2)


@pytest.mark.slow
def test_a_sweep_leaves_one_whole_run_per_training_and_the_table_and_a_repeated_one_adds_none(nsp, tmp_path):
    command = ("scale=smoke", "tasks=[sst2]", "finetuning.untrained_row=false", "pretraining.evaluate_at=[2000]")
    logs = tmp_path / "artifacts" / "logs"
    for _ in range(2):
        ended = nsp(*command, "logger=wandb")
        assert ended.status == 0, ended.err
        runs = [path for path in logs.rglob("offline-run-*") if path.is_dir()]
        assert len(runs) == 3, "pre-training, fine-tuning and the report"
        assert all(path.parent == logs / "wandb" and (path / "complete.json").is_file() for path in runs)
        assert all(len(list(path.glob("*.wandb"))) == 1 for path in runs)
    rows = next((logs / "encoders").glob("*.csv")).read_text().splitlines()
    ended = nsp(*command, "logger=tensorboard")  # of what was trained before
    assert ended.status == 0, ended.err
    assert "encoder ->" not in ended.out
    (record,) = (tmp_path / "results" / "adhoc" / "records").glob("*.json")
    metrics = json.loads(record.read_text())["metrics"]
    found = {tag: value for path in (logs / "tensorboard").iterdir() for tag, value in scalars(path).items()}
    assert found["final/sst2.accuracy"][-1][1] == pytest.approx(metrics["accuracy"])
    losses = [(int(row[0]), float(row[3])) for row in csv.reader(rows[1:]) if row[2] == "pretraining/mlm_loss"]
    assert found["pretraining/mlm_loss"] == [(update, pytest.approx(loss)) for update, loss in losses]
    assert [value for _, value in found["evaluation/mlm_loss"]][-1] == pytest.approx(found["final/mlm_loss"][0][1])
    assert found["by_tokens/finetuning/sst2/loss"][-1][0] > 100


def scalars(directory):
    """Return what TensorBoard's own reader has of a run: [(step, value)] by tag."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(directory), size_guidance={reader.SCALARS: 0}).Reload()
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
