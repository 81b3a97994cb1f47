"""docs/transformers.md, run with smaller numbers: our own pre-training's inputs and losses under `Trainer`."""

import random
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import LightningEnvironment

from nsp_ablation.config.problem import ConfigurationError
from nsp_ablation.learning.engine.architecture.architecture import architecture_named
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.options.check_options import CheckOptions
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.cards import CheckError
from nsp_ablation.pipeline.training_data import open_training_data
from nsp_ablation.samples.batches.loader import evaluation_batches, micro_batch_loader

ROOT = Path(__file__).parents[2]
SMALLER = {"vocab_size=8000": "vocab_size=300", "max_length=64": "max_length=32", "sequences=16": "sequences=8"}
TEXT = (ROOT / "docs" / "transformers.md").read_text()
for _large, _small in SMALLER.items():
    assert _large in TEXT
    TEXT = TEXT.replace(_large, _small)
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
OPEN, TRAIN, ACCUMULATE, ROBERTA = BLOCKS
NO_DROPOUT = "Config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, "
MASKED_LM = "BertForMaskedLM"
NUM_UPDATES, LEARNING_RATE = 20, 1e-3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A directory with 60 documents, where the page's `artifacts` are kept."""
    directory, draw = tmp_path_factory.mktemp("page"), random.Random(1)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(150)]
    (directory / "documents").mkdir()
    for number in range(60):
        sentences = (
            " ".join(draw.choices(words, k=draw.randint(3, 9))).capitalize() for _ in range(draw.randint(4, 9))
        )
        (directory / "documents" / f"{number}.txt").write_text(". ".join(sentences) + ".\n")
    return directory


@pytest.fixture
def page(folder, monkeypatch):
    """page(block, ...) -> the names that blocks of the page leave, run one after another at dropout 0."""
    monkeypatch.chdir(folder)

    def run(*blocks, names=None):
        names = {} if names is None else names
        for block in blocks:
            code = re.sub(r"\b(Bert|Roberta)Config\(", rf"\1{NO_DROPOUT}", block)
            with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
                warnings.simplefilter("ignore")  # of Trainer, on a machine without a GPU
                exec(compile(code, "docs/transformers.md", "exec"), names)
        return names

    return run


def without_nsp(block, format_name):
    return block.replace("BertForPreTraining", MASKED_LM).replace('"segment_pair"', f'"{format_name}"')


class Curve(Logger):
    """The losses of every update, MLM's and the pairs' added."""

    name = version = "curve"

    def __init__(self):
        super().__init__()
        self.losses = []

    def log_hyperparams(self, *args, **kwargs):
        pass

    def log_metrics(self, metrics, step=None):
        losses = [
            metrics[f"pretraining/{name}_loss"] for name in ("mlm", "pair") if f"pretraining/{name}_loss" in metrics
        ]
        self.losses.append(sum(losses))


def our_losses(data, hf, architecture, directory, num_updates=NUM_UPDATES, gradient_clip=1.0):
    """Pre-train a model as `run.py` does on the feed of opened data, and return the losses of every update."""
    feed, curve = data.feed, Curve()
    loader = partial(micro_batch_loader, feed.plan, feed.store, feed.frame, feed.masks, max_steps=num_updates)
    pretrain(
        PretrainingModel(hf, architecture_named(architecture), data.pair_label is not None, False),
        lambda first, rank, size: loader(first_step=first, accumulation=1, num_workers=0, rank=rank, world_size=size),
        PretrainingOptions(
            max_steps=num_updates, learning_rate=LEARNING_RATE, warmup_ratio=0.0, gradient_clip=gradient_clip
        ),
        TrainerOptions(name="cpu"),
        LightningEnvironment(),
        directory,
        seed=1,
        accumulation=1,
        peak_flops=None,
        export=lambda update: None,
        logger=curve,
        log_every=1,
        say=None,
    )
    return curve.losses


def our_model(model, architecture):
    """Return our model of the same sizes and weights; heads that a model lacks are not trained."""
    hf = architecture_named(architecture).model_class(model.config)
    found = hf.load_state_dict(model.state_dict(), strict=False)
    assert not found.unexpected_keys
    assert all("pooler" in key or "seq_relationship" in key for key in found.missing_keys)
    return hf


PAGES = {
    "bert_nsp": ((OPEN,), "bert"),
    "bert_full": ((without_nsp(OPEN, "full"),), "bert"),
    "bert_doc": ((without_nsp(OPEN, "doc"),), "bert"),  # updates of unequal numbers of sequences
    "roberta_nsp": ((OPEN, ROBERTA), "roberta"),
}


SLOW = ("bert_doc", "roberta_nsp")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in PAGES])
def test_trainer_has_the_losses_of_our_own_pretraining(page, tmp_path, name):
    blocks, architecture = PAGES[name]
    names = page(*blocks)
    hf = our_model(names["model"], architecture)
    page(TRAIN, names=names)
    theirs = [entry["loss"] for entry in names["trainer"].state.log_history if "loss" in entry]
    ours = our_losses(names["data"], hf, architecture, tmp_path)
    assert len(theirs) == len(ours) == NUM_UPDATES
    assert np.mean(ours[-5:]) < ours[0] - 0.1  # it learns
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)


def test_the_page_s_updates_are_those_that_our_loader_reads(page):
    data = page(without_nsp(OPEN, "sentence_pair").replace("max_length=32", "objective='mlm_nsp', max_length=32"))[
        "data"
    ]
    updates, collate, feed = data.updates(5), data.collator(multiple=8), data.feed
    loader = micro_batch_loader(
        *(feed.plan, feed.store, feed.frame, feed.masks), first_step=0, max_steps=5, accumulation=1, num_workers=0
    )
    sizes = set()
    for step, batch in enumerate(loader):
        padded = collate([updates[step]])
        real = padded["attention_mask"].bool()
        sizes.add(len(real))
        assert padded["input_ids"].shape[1] % 8 == 0
        assert torch.equal(padded["input_ids"][real], batch.input_ids)
        assert torch.equal(padded["token_type_ids"][real], batch.token_type_ids)
        assert torch.equal(real.sum(dim=1), batch.sequence_offsets.diff())
        assert torch.equal(padded["labels"][real].ne(-100).nonzero()[:, 0], batch.masked_positions)
        assert torch.equal(padded["labels"][padded["labels"] != -100], batch.masked_labels)
        assert torch.equal(padded["next_sentence_label"], batch.pair_labels)
        assert (padded["input_ids"][~real] == data.frame.pad).all()
    assert len(sizes) > 1  # a budget of tokens


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["their own", "the page's"])
def test_accumulation_needs_the_page_s_loss(page, tmp_path, kind):
    """`Trainer` adds up the means of micro-batches for these models (5.24); the page's has the update's own loss."""
    names = page(OPEN, ACCUMULATE)
    names["data"].feed.plan.order(1)[:] = np.arange(len(names["data"].feed.plan.order(1)))  # corpus order
    hf = our_model(names["model"], "bert")
    cut = TRAIN.replace("data.updates(20)", "data.samples(1)").replace("20", "5")
    cut = cut.replace('batch_size": 1', 'batch_size": 2')
    cut = cut.replace("logging_steps=1", "logging_steps=1, gradient_accumulation_steps=4, max_grad_norm=0.0")
    page(cut.replace("Trainer(", "WholeUpdateTrainer(") if kind == "the page's" else cut, names=names)
    theirs = [entry["loss"] for entry in names["trainer"].state.log_history if "loss" in entry]
    ours = our_losses(names["data"], hf, "bert", tmp_path, num_updates=5, gradient_clip=0.0)
    assert len(theirs) == len(ours) == 5
    if kind == "the page's":
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)
    else:
        assert theirs[0] == pytest.approx(4 * ours[0], rel=0.05)  # "four times as large"


def test_held_out_samples_have_the_mask_that_our_held_out_loss_has(page):
    data = page(OPEN.replace("document_border", "heldout_fraction=0.2, seed=7, document_border"))["data"]
    feed, heldout = data.feed, data.heldout()
    (batch,) = evaluation_batches(feed.heldout, feed.heldout_index, feed.frame, replace(feed.masks, seed=7), 10**6)
    assert len(heldout) == len(batch.sequence_offsets) - 1 > 3
    assert torch.equal(torch.cat([heldout[i]["input_ids"] for i in range(len(heldout))]), batch.input_ids)
    assert page(OPEN.replace("document_border", "heldout_fraction=0.0, document_border"))["data"].heldout() is None


def test_what_the_command_refuses_is_refused_in_one_line(page, folder):
    settings = page(OPEN)["settings"]
    changes = {
        "masking.probability": {"masking": replace(settings.masking, probability=0.95)},
        "masking.copies": {"masking": replace(settings.masking, name="static")},
        "batch.sequences": {"batch": replace(settings.batch, sequences=0)},
        "objective": {"format": FormatOptions("doc"), "objective": "mlm_nsp"},
        "format.attention": {"format": FormatOptions("full", attention="document")},
        "corpus.document_border": {"corpus": replace(settings.corpus, document_border=None)},
        "seed": {"seed": -1},
        "max_length": {"max_length": 4},
    }
    for field, change in changes.items():
        with pytest.raises(ConfigurationError) as refused:
            open_training_data(replace(settings, **change))
        assert refused.value.lines[0].startswith(field), refused.value.lines
    with pytest.raises(CheckError, match="checks.max_label_share"):
        open_training_data(replace(settings, checks=CheckOptions(max_label_share=0.5)))


@pytest.mark.slow
def test_neither_hydra_nor_lightning_is_loaded(folder):
    opened = OPEN.replace("from transformers import BertConfig, BertForPreTraining, Trainer, TrainingArguments\n", "")
    opened = opened[: opened.index("vocabulary =")] + "data.collator(multiple=8)([data.updates(2)[1]])\n"
    code = opened + "import sys; sys.exit(bool({'hydra', 'pytorch_lightning', 'transformers'} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
