"""How an encoder is made: pre-trained on its feed and exported, or exported as it starts. Loads torch and Lightning."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import ClusterEnvironment

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.leftovers import remove_leftovers
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.config.identity import condition, condition_name, resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.device_peak import device_peak
from nsp_ablation.learning.engine.training_device import repeatable, torch_device
from nsp_ablation.learning.pretraining.heldout_loss import HeldoutLoss, heldout_loss
from nsp_ablation.learning.pretraining.pretraining_fit import PretrainOutcome
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain as fit
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model, export_encoder
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.cell_logger import run_logger
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.device import model_threads
from nsp_ablation.pipeline.encoders import TrainedEncoder, UntrainedEncoder, trained_encoder
from nsp_ablation.pipeline.feed import OpenFeed, feed_of
from nsp_ablation.pipeline.micro_batch_plan import MicroBatchPlan, plan_micro_batches
from nsp_ablation.pipeline.pretraining_facts import pretraining_facts
from nsp_ablation.pipeline.ranks import ranks
from nsp_ablation.reporting.records.sweep_cell import CellProgress
from nsp_ablation.samples.batches.accounting import tokens_at_positions, totals
from nsp_ablation.samples.batches.loader import MicroBatch, evaluation_batches, micro_batch_loader
from nsp_ablation.samples.batches.micro_batches import EAGER_MULTIPLE, padded_tokens
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

_EVALUATION_TOKENS = 16_384
_VOCABULARY_MULTIPLE = 64  # of a GPU's matrix kernels


def take_part(config: Config, environment: ClusterEnvironment) -> None:
    """Train the encoder of a configuration as one of the ranks beside the first, which writes and says everything."""
    encoder = trained_encoder(config)
    feed = encoder.feed.open()
    plan = plan_micro_batches(config.trainer, feed.size, feed.index_of(1).lengths())
    with model_threads(config.model.num_threads):
        _fit(encoder, feed, plan, initial_model(config, feed), environment, None, lambda update: None)


def train_encoder(encoder: TrainedEncoder, directory: Path) -> None:
    """Pre-train an encoder, from where an interrupted training stopped, and export it into `directory`.

    Raises DivergedError where the loss diverges, InputError for what the configuration cannot do.
    """
    config, feed, run = encoder.config, encoder.feed.open(), encoder.run_directory
    tokenizer = encoder.stores.vocabulary.make()
    model = initial_model(config, feed)
    facts = {
        "condition": condition(config),
        "seed": config.seed,
        "pair_separator": config.format.pair_separator,
        "attention_backend": model.attention_backend(torch_device(config.trainer), config.trainer.precision),
    }

    def export_on_the_way(update: int) -> None:
        there = owned(encoder.root, encoder.kind, f"{encoder.key}.at", str(update))
        build_once(there, lambda new: export_encoder(model, tokenizer, new, {**facts, "update": update}))

    remove_leftovers(make_directory(run))  # a checkpoint that a killed process was writing
    plan = plan_micro_batches(config.trainer, feed.size, feed.index_of(1).lengths())
    _announce(config, feed, plan)
    encoder.hear(CellProgress("pretrain", 0, config.pretraining.max_steps))
    with (
        ranks(config, take_part, run) as environment,
        run_logger(
            config, condition_name(config), "pretraining", f"p{config.seed}-{encoder.key[:8]}", encoder.key
        ) as logger,
    ):
        outcome = _fit(encoder, feed, plan, model, environment, logger, export_on_the_way)
    heldout = _heldout_loss(config, feed, model)
    steps = config.pretraining.max_steps
    read = totals(feed.plan, steps, feed.store.num_tokens)
    block = {
        "pretraining": pretraining_facts(config, feed, read, outcome, heldout),
        "tokens_at_positions": tokens_at_positions(feed.plan, steps, config.max_length).tolist(),
        "epochs": read.epochs,
        "cut_sentences": feed.index_of(1).cut_sentences,
        "mask_exposures": config.masking.exposures(read.epochs),
        "omitted": logger.omitted | (feed.omitted if config.pretraining.heldout_tokens else {}),
    }
    export_encoder(model, tokenizer, directory, facts | block)


def export_untrained(encoder: UntrainedEncoder, directory: Path) -> None:
    """Export an encoder as it starts, into `directory`."""
    config, frame = encoder.config, feed_of(encoder.config).frame()
    counts = _token_counts(frame, encoder.stores.training()) if config.model.unigram_output_bias else None
    model = build_model(
        config.model, frame, predicts_pairs=False, confines_attention=False, seed=config.seed, token_counts=counts
    )
    facts = {"condition": {}, "seed": config.seed, "pretraining": None}
    export_encoder(model, encoder.stores.vocabulary.make(), directory, facts)


def initial_model(config: Config, feed: OpenFeed) -> PretrainingModel:
    """Return the model at the start of pre-training; it depends on sizes and seed, never on format or objective."""
    return build_model(
        config.model,
        feed.frame,
        predicts_pairs=resolved_objective(config) != "mlm",
        confines_attention=config.format.attention == "document",
        seed=config.seed,
        token_counts=_token_counts(feed.frame, feed.store) if config.model.unigram_output_bias else None,
    )


def _token_counts(frame: Frame, store: TokenStore) -> np.ndarray:
    return np.bincount(store.ids, minlength=frame.vocab_size)


def _fit(
    encoder: TrainedEncoder,
    feed: OpenFeed,
    plan: MicroBatchPlan,
    model: PretrainingModel,
    environment: ClusterEnvironment,
    logger: Logger | None,
    export: Callable[[int], None],
) -> PretrainOutcome:
    """Train `model` in place; the first rank shows its progress in the terminal and its curves in the logger."""
    config, trainer = encoder.config, encoder.config.trainer
    _set_up(model, trainer)
    num_updates = config.pretraining.max_steps
    loader = partial(
        micro_batch_loader,
        *(feed.plan, feed.store, feed.frame, feed.masks),
        max_steps=num_updates,
        accumulation=plan.accumulation,
        num_workers=trainer.num_workers,
        pin_memory=torch_device(trainer).type == "cuda",
        pad_to=_padding(trainer, plan),
    )
    with repeatable(trainer, torch_device(trainer)):
        return fit(
            model,
            lambda first_step, rank, size: loader(first_step=first_step, rank=rank, world_size=size),
            config.pretraining,
            trainer,
            environment,
            encoder.run_directory,
            seed=config.seed,
            accumulation=plan.accumulation,
            peak_flops=_peak_flops(trainer),
            export=export,
            logger=logger,
            log_every=config.logger.every_steps,
            say=(lambda text: say("pretrain", text)) if trainer.progress else None,
            on_progress=lambda *progress: encoder.hear(_progress(num_updates, *progress)),
        )


def _set_up(model: PretrainingModel, trainer: TrainerOptions) -> None:
    """Give the model its machine settings."""
    device = torch_device(trainer)
    model.checkpoints_layers = trainer.gradient_checkpointing
    model.vocabulary_multiple = _VOCABULARY_MULTIPLE if device.type == "cuda" else 1
    if trainer.compile:
        model.compile_losses(model.attention_backend(device, trainer.precision))


def _padding(trainer: TrainerOptions, plan: MicroBatchPlan) -> int | None:
    """Return the number of tokens to whose multiples micro-batches are padded; None on a CPU that does not compile."""
    if trainer.compile:
        return padded_tokens(plan.max_tokens)
    return EAGER_MULTIPLE if torch_device(trainer).type == "cuda" else None


def _progress(num_updates: int, update: int, loss: float, tokens_per_second: float) -> CellProgress:
    return CellProgress("pretrain", update, num_updates, tokens_per_second, loss)


def _announce(config: Config, feed: OpenFeed, plan: MicroBatchPlan) -> None:
    size = f"{feed.size.mean_tokens:,.0f} tokens ({feed.size.mean_sequences:.1f} sequences)"
    if plan.accumulation > 1:
        size += f" in {plan.accumulation} micro-batches"
    say("pretrain", f"{condition_name(config)} seed {config.seed}: {config.pretraining.max_steps} updates of {size}")


def _peak_flops(trainer: TrainerOptions) -> float | None:
    """Return the FLOP/s of one device, None where it is not known."""
    if trainer.peak_tflops is not None:
        return trainer.peak_tflops * 1e12
    return device_peak(torch_device(trainer), trainer.precision)


def _heldout_loss(config: Config, feed: OpenFeed, model: PretrainingModel) -> HeldoutLoss | None:
    """Return the loss in the format's own held-out inputs and say it; None where none is asked for or possible."""
    if feed.heldout_index is None or config.pretraining.heldout_tokens == 0:
        return None
    heldout = heldout_loss(model, heldout_batches(config, feed), torch_device(config.trainer))
    unigram = unigram_entropy(_token_counts(feed.frame, feed.store))
    against = f"(unigram entropy of the corpus {unigram:.3f})"
    say("pretrain", f"held-out MLM loss {heldout.mlm_loss:.3f} nats in the format's own inputs {against}")
    return heldout


def unigram_entropy(token_counts: np.ndarray) -> float:
    """Return the entropy, in nats, of token frequencies (V,): an MLM loss below it means that context is read."""
    shares = token_counts[token_counts > 0] / token_counts.sum()
    return float(-(shares * np.log(shares)).sum())


def heldout_batches(config: Config, feed: OpenFeed) -> Iterator[MicroBatch]:
    """Give held-out inputs of the arm's own format under one fixed mask, up to `heldout_tokens` real tokens."""
    assert feed.heldout is not None
    assert feed.heldout_index is not None
    masks = replace(feed.masks, seed=config.corpus.seed)
    num_tokens = 0
    for batch in evaluation_batches(feed.heldout, feed.heldout_index, feed.frame, masks, _EVALUATION_TOKENS):
        yield batch
        num_tokens += batch.num_tokens
        if num_tokens >= config.pretraining.heldout_tokens:
            return
