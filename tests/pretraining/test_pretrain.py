"""Pre-training through Lightning: accumulation, resuming, divergence, exports on the way."""

import csv
import itertools
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_lightning.loggers import CSVLogger

from nsp_ablation.base.interrupts import Stopped
from nsp_ablation.learning.engine.step_seed import seed_step
from nsp_ablation.learning.engine.training import DivergedError
from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.pretraining import evaluations as evaluations_module
from nsp_ablation.learning.pretraining import pretraining_module
from nsp_ablation.learning.pretraining.evaluations import NO_EVALUATIONS, Evaluations
from nsp_ablation.learning.pretraining.heldout_loss import heldout_loss
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.options.pretraining_options import PretrainingOptions

OPTIONS = PretrainingOptions(
    max_steps=6,
    learning_rate=0.01,
    warmup_ratio=0.5,
    beta2=0.98,
    checkpoint_seconds=0.0,
)
BORDERS = {1: [0, 6], 2: [0, 3, 6], 3: [0, 1, 5, 6], 4: [0, 1, 1, 5, 6]}


class _StoppedError(Exception):
    pass


@pytest.fixture
def train(make_batch, cut, trainer_options, tmp_path):
    """train(model, accumulation=, stop_at=, **changes of the options) -> the outcome, lines said, updates exported."""

    def loader(accumulation, max_steps):
        def open_from(first_step, rank, world_size):
            assert (rank, world_size) == (0, 1)
            for step in range(first_step, max_steps):
                update = make_batch([4, 20, 6, 3, 11, 2], seed=step, step=step)
                yield from cut(update, BORDERS[accumulation])

        return open_from

    def run(
        model,
        accumulation=1,
        stop_at=None,
        directory="run",
        logger=None,
        precision="32-true",
        export_at=(),
        signal_at=(None, None),
        evaluations=NO_EVALUATIONS,
        **changes,
    ):
        lines, exported = [], []
        calls_at = [*export_at, *filter(None, [stop_at, signal_at[0]])]
        options = replace(OPTIONS, export_at=calls_at, **changes)

        def export(step):
            if step == stop_at:
                raise _StoppedError
            if step == signal_at[0]:
                signal.raise_signal(signal_at[1])
            exported.append(step)

        outcome = pretrain(
            model,
            loader(accumulation, options.max_steps),
            options,
            replace(trainer_options, precision=precision),
            GivenRank(),
            tmp_path / directory,
            seed=0,
            accumulation=accumulation,
            peak_flops=None,
            export=export,
            evaluations=evaluations,
            logger=logger,
            log_every=2,
            say=lines.append,
        )
        return outcome, lines, exported

    return run


def _weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("accumulation", [2, 3, 4])
def test_accumulation_changes_nothing_but_rounding(make_model, train, accumulation):
    # a large epsilon, and no clipping: Adam would hide a gradient of the wrong size
    changes = {"epsilon": 1.0, "gradient_clip": 0.0, "max_steps": 3}
    changes |= {"precision": "64-true", "checkpoint_seconds": 600.0}
    whole, parts = make_model(), make_model()
    before = _weights(whole)
    train(whole, directory="whole", **changes)
    train(parts, accumulation, directory="parts", **changes)
    moved = max((whole.state_dict()[name] - before[name]).abs().max() for name in before)
    assert moved > 1e-4
    torch.testing.assert_close(parts.state_dict(), whole.state_dict(), rtol=0, atol=1e-12)


def test_a_run_is_a_plain_loop_of_adamw(make_model, make_batch, train):
    model, plain = make_model(), make_model()
    train(model, epsilon=1e-3)  # a smaller one makes steps of the rounding of gradients that are 0
    named = [(name, parameter) for name, parameter in plain.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if "bias" not in name and "LayerNorm" not in name]
    spared = [parameter for name, parameter in named if "bias" in name or "LayerNorm" in name]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-3)
    for step, factor in enumerate([1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3]):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * factor
        batch = make_batch([4, 20, 6, 3, 11, 2], seed=step)
        masked_logits, pair_logits = plain(batch)
        mlm = F.cross_entropy(masked_logits, batch.masked_labels)
        optimizer.zero_grad()
        (mlm + F.cross_entropy(pair_logits, batch.pair_labels)).backward()
        norm = torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        assert norm > 1  # clipping is seen
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_resumed_run_is_bitwise_the_uninterrupted_one(make_model, train, accumulation):
    changes = {"dropout": 0.1, "attention_dropout": 0.1}
    uninterrupted, stopped, resumed = make_model(1, **changes), make_model(1, **changes), make_model(2, **changes)
    outcome, _, _ = train(uninterrupted, accumulation, directory="uninterrupted")
    with pytest.raises(_StoppedError):
        train(stopped, accumulation, stop_at=4)
    resumed_outcome, lines, _ = train(resumed, accumulation)
    assert lines[0] == "resumed at update 3"
    assert resumed_outcome.num_predictions == outcome.num_predictions == 6 * 15
    torch.testing.assert_close(resumed.state_dict(), uninterrupted.state_dict(), rtol=0, atol=0)


def test_a_checkpoint_that_is_due_within_an_update_is_made_at_its_end(make_model, train, monkeypatch):
    uninterrupted, stopped, resumed = make_model(1), make_model(1), make_model(2)
    train(uninterrupted, 3, directory="uninterrupted")
    ticks = itertools.count()  # the clock is looked at once an update: at 2, after update 1, and at 3
    monkeypatch.setattr("nsp_ablation.learning.engine.resume.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    with pytest.raises(_StoppedError):
        train(stopped, 3, stop_at=3, checkpoint_seconds=2)
    _, lines, _ = train(resumed, 3)
    assert lines[0] == "resumed at update 2"
    torch.testing.assert_close(resumed.state_dict(), uninterrupted.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_after_the_update_and_stops(make_model, train, monkeypatch, signum):
    uninterrupted, stopped, resumed = make_model(1), make_model(1), make_model(2)
    train(uninterrupted, 2, directory="uninterrupted")
    before = signal.getsignal(signum)
    with pytest.raises(Stopped, match=f"stopped by {signum.name} at update 3") as stop:
        train(stopped, 2, checkpoint_seconds=600.0, signal_at=(3, signum))
    assert stop.value.code == 128 + signum
    assert signal.getsignal(signum) is before
    _, lines, _ = train(resumed, 2, checkpoint_seconds=600.0)
    assert lines[0] == "resumed at update 3"
    torch.testing.assert_close(resumed.state_dict(), uninterrupted.state_dict(), rtol=0, atol=0)


def test_a_finished_run_is_not_run_again(make_model, train):
    first, second = make_model(1), make_model(2)
    outcome, _, _ = train(first, checkpoint_seconds=600.0)
    again, lines, _ = train(second)
    assert lines == []
    assert again.num_predictions == outcome.num_predictions
    assert 0 < again.seconds <= outcome.seconds
    torch.testing.assert_close(second.state_dict(), first.state_dict(), rtol=0, atol=0)


def test_a_run_resumes_under_another_accumulation(make_model, train):
    uninterrupted, stopped = make_model(), make_model()
    train(uninterrupted, 1, directory="uninterrupted", precision="64-true")
    with pytest.raises(_StoppedError):
        train(stopped, 3, stop_at=4, precision="64-true")
    outcome, lines, _ = train(stopped, 2, precision="64-true")
    assert (lines[0], outcome.num_predictions) == ("resumed at update 3", 6 * 15)
    torch.testing.assert_close(stopped.state_dict(), uninterrupted.state_dict(), rtol=0, atol=1e-9)


def test_dropout_is_drawn_by_the_seed_and_leaves_the_global_generator(make_model, train):
    first, second = make_model(dropout=0.5), make_model(dropout=0.5)
    before = torch.random.get_rng_state()
    train(first, directory="first")
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(77)
        train(second, directory="second")
    torch.testing.assert_close(second.state_dict(), first.state_dict(), rtol=0, atol=0)


def test_every_micro_batch_draws_its_own_dropout(make_model, train, monkeypatch):
    seeds = []

    def heard(device, seed):
        seeds.append(seed)
        seed_step(device, seed)

    monkeypatch.setattr(pretraining_module, "seed_step", heard)
    train(make_model(attention_dropout=0.1), accumulation=2)
    assert len(set(seeds)) == len(seeds) == 6 * 2


def test_a_checkpoint_loads_as_weights_only(make_model, train, tmp_path):
    train(make_model())
    checkpoint = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 6


def test_a_damaged_checkpoint_is_named(make_model, train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.ckpt").write_bytes(b"half a file")
    with pytest.raises(ValueError, match="last.ckpt is damaged .*; delete it"):
        train(make_model())


def test_a_checkpoint_with_a_changed_byte_is_named(make_model, train, tmp_path):
    model = make_model()
    train(model)
    path = tmp_path / "run" / "last.ckpt"
    content = bytearray(path.read_bytes())
    content[content.index(next(model.parameters()).detach().numpy().tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="last.ckpt is damaged .*; delete it"):
        train(make_model())


def test_checkpoints_keep_their_distance(make_model, train, tmp_path):
    with pytest.raises(_StoppedError):
        train(make_model(), stop_at=4, checkpoint_seconds=600.0)
    assert not (tmp_path / "run" / "last.ckpt").exists()


@pytest.mark.parametrize("learning_rate", [1e30, 30.0], ids=["not finite", "far above ln V"])
def test_a_diverged_loss_stops_and_is_never_saved(make_model, train, tmp_path, learning_rate):
    for _ in range(2):  # the same command ends in the same way, and not in a poisoned checkpoint
        with pytest.raises(DivergedError, match="the loss is .*diverged; lower pretraining.learning_rate="):
            train(make_model(), learning_rate=learning_rate, gradient_clip=0.0, max_steps=40)
        saved = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
        assert 1 <= saved["global_step"] < 40
        assert all(torch.isfinite(value).all() for value in saved["state_dict"].values())


def test_weights_that_are_not_finite_are_never_saved(make_model, train, tmp_path):
    """The loss of the last update may still be finite: here a token that no batch holds has an infinite embedding."""
    model = make_model(predicts_pairs=False)
    model.hf.bert.embeddings.position_embeddings.weight.data[-1] = torch.inf
    with pytest.raises(DivergedError, match="the loss is nan"):
        train(model, max_steps=2)
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_exports_on_the_way_come_after_their_updates(make_model, train):
    _, _, exported = train(make_model(), accumulation=2, export_at=[2, 6, 9])
    assert exported == [2, 6]


def test_losses_fall_and_are_logged_every_few_updates(make_model, train, tmp_path):
    logger = CSVLogger(tmp_path / "logs", name="")
    _, lines, _ = train(make_model(), accumulation=2, logger=logger)
    logger.finalize("success")
    header, *rows = (tmp_path / "logs" / "version_0" / "metrics.csv").read_text().splitlines()
    rows = [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert float(rows[-1]["pretraining/mlm_loss"]) < float(rows[0]["pretraining/mlm_loss"])
    assert float(rows[0]["pretraining/pair_loss"]) > 0
    rates = [float(row["pretraining/learning_rate"]) for row in rows]
    assert rates == pytest.approx([0.01 * 2 / 3, 0.01, 0.01 / 3])
    assert lines[-1].startswith("update 6/6  loss ")


class _Heldout:
    """Measures a held-out loss, and does to the model and to torch what a careless measurement does."""

    def __init__(self, model, batch):
        self.model, self.batch, self.heard = model, batch, []

    def __call__(self, update):
        assert not torch.is_grad_enabled()
        assert not any(module.training for module in self.model.modules())
        torch.rand(3)
        found = heldout_loss(self.model, [self.batch], torch.device("cpu"))
        self.heard.append(update)
        return {"mlm_loss": found.mlm_loss, "update": float(update)}


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_that_is_measured_on_the_way_is_bitwise_the_unmeasured_one(make_model, make_batch, train, accumulation):
    changes = {"dropout": 0.1, "attention_dropout": 0.1}
    plain, measured = make_model(1, **changes), make_model(1, **changes)
    train(plain, accumulation, directory="plain")
    measure = _Heldout(measured, make_batch([4, 20, 6], seed=99))
    generator = torch.random.get_rng_state()
    outcome, _, _ = train(measured, accumulation, evaluations=Evaluations(frozenset({2, 3, 6}), measure))
    assert measure.heard == list(outcome.evaluations) == [2, 3, 6]
    losses = [values["mlm_loss"] for values in outcome.evaluations.values()]
    assert len(set(losses)) == 3, "the model moved between the points"
    assert torch.equal(torch.random.get_rng_state(), generator)
    torch.testing.assert_close(measured.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_what_was_measured_is_kept_by_a_kill_and_measured_once(make_model, make_batch, train):
    batch, updates, rare = make_batch([4, 20, 6], seed=99), frozenset({1, 3, 5, 6}), {"checkpoint_seconds": 600.0}
    whole, stopped, resumed = make_model(1), make_model(1), make_model(2)
    outcome, _, _ = train(whole, directory="whole", evaluations=Evaluations(updates, _Heldout(whole, batch)), **rare)
    first, second = _Heldout(stopped, batch), _Heldout(resumed, batch)
    with pytest.raises(_StoppedError):
        train(stopped, stop_at=4, evaluations=Evaluations(updates, first), **rare)
    found, lines, _ = train(resumed, evaluations=Evaluations(updates, second), **rare)
    assert lines[0] == "resumed at update 3", "a point is kept by a checkpoint of its own"
    assert (first.heard, second.heard) == ([1, 3], [5, 6])
    assert found.evaluations == outcome.evaluations
    again, _, _ = train(make_model(3), evaluations=Evaluations(updates, first), **rare)
    assert again.evaluations == outcome.evaluations, "a finished run has its curve, too"
    assert first.heard == [1, 3]


def test_the_time_of_a_measurement_is_none_of_the_training_loop(make_model, train, monkeypatch):
    hours = itertools.count(step=3600.0)
    monkeypatch.setattr(evaluations_module, "time", SimpleNamespace(monotonic=lambda: next(hours)))
    outcome, lines, _ = train(make_model(), evaluations=Evaluations(frozenset({2, 4}), lambda update: {"x": 0.0}))
    assert -2 * 3600 < outcome.seconds < -2 * 3600 + 60


def test_a_logger_hears_what_is_measured(make_model, train, tmp_path):
    logger = CSVLogger(tmp_path / "logs", name="")
    train(
        make_model(), logger=logger, evaluations=Evaluations(frozenset({3}), lambda update: {"recall.accuracy": 0.25})
    )
    logger.finalize("success")
    header, *rows = (tmp_path / "logs" / "version_0" / "metrics.csv").read_text().splitlines()
    rows = [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]
    assert {row["step"]: row["evaluation/recall.accuracy"] for row in rows} == {"2": "", "3": "0.25", "4": "", "6": ""}


def test_mlm_losses_alone_are_smoothed_whatever_is_logged_and_wherever_a_run_is_resumed(make_model, train, tmp_path):
    """Blocks of ten updates; curves are logged every two."""
    changes = {"max_steps": 22, "checkpoint_seconds": 600.0}
    logger = CSVLogger(tmp_path, name="curves")
    whole, _, _ = train(make_model(), directory="whole", logger=logger, **changes)
    logger.finalize("success")
    with open(tmp_path / "curves" / "version_0" / "metrics.csv", newline="") as file:
        logged = [float(row["pretraining/mlm_loss"]) for row in csv.DictReader(file) if row["pretraining/mlm_loss"]]
    expected = [np.mean(logged[:5]), np.mean(logged[5:10]), np.mean(logged[10:])]
    assert whole.mlm_losses.means == pytest.approx(expected, rel=1e-5)
    with pytest.raises(_StoppedError):  # after the checkpoint at the end of a block
        train(make_model(), stop_at=11, directory="parts", max_steps=22)
    parts, lines, _ = train(make_model(), directory="parts", **changes)
    assert lines[0] == "resumed at update 10"
    assert parts.mlm_losses == whole.mlm_losses
