"""How an encoder is pre-trained on its feed, by one process or several ranks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import ClusterEnvironment

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.leftovers import remove_leftovers
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.config.identity import condition, condition_name
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.device_peak import device_peak
from nsp_ablation.learning.engine.run_loggers import WithTokens
from nsp_ablation.learning.engine.training_device import repeatable, torch_device
from nsp_ablation.learning.pretraining.evaluations import Evaluations
from nsp_ablation.learning.pretraining.pretraining_fit import PretrainOutcome
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain as fit
from nsp_ablation.learning.pretraining.pretraining_model import (
    PretrainingModel,
    export_encoder,
    exported_layout,
)
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.cell_logger import encoder_names, run_logger
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.curve_points import evaluations_of
from nsp_ablation.pipeline.device import model_threads
from nsp_ablation.pipeline.encoders import TrainedEncoder, trained_encoder
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.pipeline.initial_models import initial_model
from nsp_ablation.pipeline.micro_batch_plan import MicroBatchPlan, plan_micro_batches
from nsp_ablation.pipeline.ranks import ranks
from nsp_ablation.reporting.records.sweep_cell import CellProgress
from nsp_ablation.samples.batches.accounting import TokenCount
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.micro_batches import EAGER_MULTIPLE, padded_tokens

_VOCABULARY_MULTIPLE = 64  # of a GPU's matrix kernels


@dataclass(frozen=True)
class FinishedTraining:
    """A training at its end. `facts` are what its exports say of it, `omitted` the parts that were left out."""

    feed: OpenFeed
    model: PretrainingModel
    facts: dict[str, Any]
    outcome: PretrainOutcome
    omitted: dict[str, str]


def take_part(config: Config, environment: ClusterEnvironment) -> None:
    """Train the encoder of a configuration as one of the ranks beside the first, which writes and says everything."""
    encoder = trained_encoder(config)
    feed = encoder.feed.open()
    plan = plan_micro_batches(config.trainer, feed.size, feed.index_of(1).lengths())
    with model_threads(config.model.num_threads):
        model = initial_model(config, feed)
        waits = evaluations_of(encoder, feed, model, None)
        _fit(encoder, feed, plan, model, environment, None, lambda update: None, waits)


def train(encoder: TrainedEncoder) -> FinishedTraining:
    """Pre-train an encoder, and export it on the way where that is asked for."""
    config, feed, run = encoder.config, encoder.feed.open(), encoder.run_directory
    model, tokenizer = initial_model(config, feed), encoder.stores.vocabulary.make()
    facts = {
        "condition": condition(config),
        "seed": config.seed,
        "pair_separator": config.format.pair_separator,
        "attention_backend": model.attention_backend(torch_device(config.trainer), config.trainer.precision),
    }
    evaluations = evaluations_of(encoder, feed, model, exported_layout(model, tokenizer, facts))

    def export_on_the_way(update: int) -> None:
        there = owned(encoder.root, encoder.kind, f"{encoder.key}.at", str(update))
        build_once(there, lambda new: export_encoder(model, tokenizer, new, {**facts, "update": update}))

    remove_leftovers(make_directory(run))  # a checkpoint that a killed process was writing
    plan = plan_micro_batches(config.trainer, feed.size, feed.index_of(1).lengths())
    _announce(config, feed, plan)
    encoder.hear(CellProgress("pretrain", 0, config.pretraining.max_steps))
    with (
        ranks(config, take_part, run) as environment,
        run_logger(config, "encoders", encoder.key, encoder_names(encoder)) as logger,
    ):
        counted = WithTokens(logger, TokenCount(feed.plan))
        outcome = _fit(encoder, feed, plan, model, environment, counted, export_on_the_way, evaluations)
    return FinishedTraining(feed, model, facts, outcome, logger.omitted)


def _fit(
    encoder: TrainedEncoder,
    feed: OpenFeed,
    plan: MicroBatchPlan,
    model: PretrainingModel,
    environment: ClusterEnvironment,
    logger: Logger | None,
    export: Callable[[int], None],
    evaluations: Evaluations,
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
            evaluations=evaluations,
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
