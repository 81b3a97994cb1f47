"""`stage=pretrain`: the encoder of a configuration and seed, trained once and kept as a Hugging Face directory."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import ClusterEnvironment

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import condition, condition_name, pretraining_settings, resolved_objective
from nsp_ablation.learning.engine.device_peak import device_peak
from nsp_ablation.learning.pretraining.export_encoder import export_encoder
from nsp_ablation.learning.pretraining.heldout_loss import HeldoutLoss, heldout_loss
from nsp_ablation.learning.pretraining.pretraining_fit import PretrainOutcome
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain as fit
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.learning.pretraining.pretraining_module import MakeLoader
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.cell_logger import run_logger
from nsp_ablation.pipeline.device import torch_device
from nsp_ablation.pipeline.feed import Feed, make_feed
from nsp_ablation.pipeline.initial_model import make_model
from nsp_ablation.pipeline.micro_batch_plan import MicroBatchPlan, plan_micro_batches
from nsp_ablation.pipeline.stores import prepare, store_key
from nsp_ablation.samples.batches.accounting import Totals, tokens_at_positions, totals
from nsp_ablation.samples.batches.loader import MicroBatch, evaluation_batches, micro_batch_loader
from nsp_ablation.stages.console import say
from nsp_ablation.stages.ranks import ranks

_EVALUATION_TOKENS = 16_384


def encoder_key(config: Config) -> str:
    """Return the fingerprint of everything that the encoder depends on, without training it."""
    origin = Path(config.model.init_from or "")
    weights = files_fingerprint(sorted(origin.glob("*.safetensors"))) if config.model.init_from else None
    return fingerprint([pretraining_settings(config), store_key(config), config.seed, weights])


def pretrain(config: Config) -> Path:
    """Return the directory of the pre-trained encoder, trained on first use; an interrupted training goes on.

    Raises DivergedError where the loss diverges, and ValueError for an encoder that was damaged since.
    """
    key = encoder_key(config)
    directory = Path(config.paths.artifacts) / "encoders" / key
    is_new = not directory.exists()
    build_once(directory, lambda new: _train(config, key, new))
    shutil.rmtree(_run_directory(config), ignore_errors=True)
    if is_new:
        say("pretrain", f"encoder -> {directory}")
    return directory


def take_part(config: Config, environment: ClusterEnvironment) -> None:
    """Train the encoder of a configuration as one of the ranks beside the first, which writes and says everything."""
    feed = make_feed(config, prepare(config))
    _fit(config, feed, _plan(config, feed), make_model(config, feed), environment, None, lambda update: None)


def _run_directory(config: Config) -> Path:
    return Path(config.paths.artifacts) / "runs" / encoder_key(config)


def _train(config: Config, key: str, directory: Path) -> None:
    prepared = prepare(config)
    feed = make_feed(config, prepared)
    model = make_model(config, feed)
    facts = {
        "condition": condition(config),
        "seed": config.seed,
        "pair_separator": config.format.pair_separator,
        "attention_backend": model.attention_backend(torch_device(config.trainer), config.trainer.precision),
    }

    def export_on_the_way(update: int) -> None:
        there = directory.parent / f"{key}.at" / str(update)
        build_once(there, lambda new: export_encoder(model, prepared.tokenizer, new, {**facts, "update": update}))

    run = _run_directory(config)
    for left in run.glob(".*"):
        left.unlink()  # a checkpoint that a killed process was writing; the lock of the encoder is ours
    plan = _plan(config, feed)
    _announce(config, feed, plan)
    with (
        ranks(config, take_part, run) as environment,
        run_logger(config, condition_name(config), "pretraining", f"p{config.seed}-{key[:8]}") as logger,
    ):
        outcome = _fit(config, feed, plan, model, environment, logger, export_on_the_way)
    heldout = _heldout_loss(config, feed, model)
    steps = config.pretraining.max_steps
    read = totals(feed.plan, steps, feed.store.num_tokens)
    block = {
        "pretraining": _facts(config, feed, read, outcome, heldout),
        "tokens_at_positions": tokens_at_positions(feed.plan, steps, config.max_length).tolist(),
        "epochs": read.epochs,
        "cut_sentences": feed.index_of(1).cut_sentences,
        "mask_exposures": config.masking.exposures(read.epochs),
    }
    export_encoder(model, prepared.tokenizer, directory, facts | block)


def _fit(
    config: Config,
    feed: Feed,
    plan: MicroBatchPlan,
    model: PretrainingModel,
    environment: ClusterEnvironment,
    logger: Logger | None,
    export: Callable[[int], None],
) -> PretrainOutcome:
    """Train `model` in place; the first rank shows its progress in the terminal and its curves in the logger."""
    trainer = config.trainer
    model.checkpoints_layers = trainer.gradient_checkpointing
    if trainer.compile:
        model.compile()
    return fit(
        model,
        _make_loader(config, feed, plan),
        config.pretraining,
        trainer,
        environment,
        _run_directory(config),
        seed=config.seed,
        accumulation=plan.accumulation,
        peak_flops=_peak_flops(trainer),
        export=export,
        logger=logger,
        log_every=config.logger.every_steps,
        say=(lambda text: say("pretrain", text)) if trainer.progress else None,
    )


def _make_loader(config: Config, feed: Feed, plan: MicroBatchPlan) -> MakeLoader:
    trainer = config.trainer

    def open_loader(first_step: int, rank: int, world_size: int) -> Iterable[MicroBatch]:
        return micro_batch_loader(
            feed.plan,
            feed.store,
            feed.frame,
            feed.masks,
            first_step=first_step,
            max_steps=config.pretraining.max_steps,
            accumulation=plan.accumulation,
            num_workers=trainer.num_workers,
            rank=rank,
            world_size=world_size,
            pin_memory=torch_device(trainer).type == "cuda",
            pad_to=plan.max_tokens if trainer.compile else None,
        )

    return open_loader


def _plan(config: Config, feed: Feed) -> MicroBatchPlan:
    return plan_micro_batches(config.trainer, feed.size, feed.index_of(1).lengths())


def _announce(config: Config, feed: Feed, plan: MicroBatchPlan) -> None:
    size = f"{feed.size.mean_tokens:,.0f} tokens ({feed.size.mean_sequences:.1f} sequences)"
    if plan.accumulation > 1:
        size += f" in {plan.accumulation} micro-batches"
    say("pretrain", f"{condition_name(config)} seed {config.seed}: {config.pretraining.max_steps} updates of {size}")


def _peak_flops(trainer: TrainerOptions) -> float | None:
    """Return the FLOP/s of one device, None where it is not known."""
    if trainer.peak_tflops is not None:
        return trainer.peak_tflops * 1e12
    return device_peak(torch_device(trainer), trainer.precision)


def _heldout_loss(config: Config, feed: Feed, model: PretrainingModel) -> HeldoutLoss | None:
    """Return the loss in the format's own held-out inputs and say it; None where none is asked for or possible."""
    if feed.heldout_index is None or config.pretraining.heldout_tokens == 0:
        return None
    heldout = heldout_loss(model, _heldout_batches(config, feed), torch_device(config.trainer))
    unigram = unigram_entropy(np.bincount(feed.store.ids, minlength=feed.frame.vocab_size))
    against = f"(unigram entropy of the corpus {unigram:.3f})"
    say("pretrain", f"held-out MLM loss {heldout.mlm_loss:.3f} nats in the format's own inputs {against}")
    return heldout


def unigram_entropy(token_counts: np.ndarray) -> float:
    """Return the entropy, in nats, of token frequencies (V,): an MLM loss below it means that context is read."""
    shares = token_counts[token_counts > 0] / token_counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _heldout_batches(config: Config, feed: Feed) -> Iterator[MicroBatch]:
    """Give held-out inputs of the arm's own format under one fixed mask, up to `heldout_tokens` real tokens."""
    assert feed.heldout is not None
    assert feed.heldout_index is not None
    spec = replace(feed.masks, seed=config.corpus.seed)
    num_tokens = 0
    for batch in evaluation_batches(feed.heldout, feed.heldout_index, feed.frame, spec, _EVALUATION_TOKENS):
        yield batch
        num_tokens += batch.num_tokens
        if num_tokens >= config.pretraining.heldout_tokens:
            return


def _facts(
    config: Config, feed: Feed, read: Totals, outcome: PretrainOutcome, heldout: HeldoutLoss | None
) -> dict[str, Any]:
    """Return the record's `pretraining` block."""
    steps = config.pretraining.max_steps
    index = feed.index_of(1)
    is_nsp = index.is_random_next is not None
    return {
        "updates": steps,
        "tokens": read.tokens,
        "padding_tokens": read.sequences * config.max_length - read.tokens,
        "sequences": read.sequences,
        "predictions": outcome.num_predictions,
        "pairs": read.pairs if index.is_pair else None,
        "passes": read.passes,
        "trimmed_tokens": round(read.epochs * index.trimmed_tokens),
        "realised_random_next": read.random_next / read.pairs if is_nsp and read.pairs else None,
        "mlm_loss": heldout.mlm_loss if heldout else None,
        "nsp_accuracy": heldout.pair_accuracy if heldout and resolved_objective(config) == "mlm_nsp" else None,
        "seconds": outcome.seconds,
    }
