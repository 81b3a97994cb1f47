"""Fine-tune one encoder on one task and score its development set."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch.utils.data import DataLoader

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.owned_paths import make_directory
from nsp_ablation.base.randomness import draw64, epoch_key, permutation, stream
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.encoder_directory import load_encoder
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.resume import Stream, TimedCheckpoint, readable
from nsp_ablation.learning.engine.run_loggers import WithTokens
from nsp_ablation.learning.engine.signals import StopRequests
from nsp_ablation.learning.engine.step_seed import seed_step
from nsp_ablation.learning.engine.training import one_epoch_trainer
from nsp_ablation.learning.engine.training_device import generators_kept, torch_device
from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.finetuning.finetuning_module import FinetuningModule
from nsp_ablation.learning.finetuning.task_batches import TaskBatches, cut_batches
from nsp_ablation.learning.finetuning.task_inputs import TaskInputs, read_inputs
from nsp_ablation.learning.finetuning.task_model import TaskModel, head_kind
from nsp_ablation.learning.finetuning.task_scores import predict_after, scored
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.finetuning_options import FinetuningOptions, Recipe
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.options.trainer_options import TrainerOptions


@dataclass(frozen=True)
class Checkpointing:
    """The file that holds a run's state, `seconds` of work apart; `on_resume(step)` hears where a run goes on."""

    path: Path
    seconds: float
    on_resume: Callable[[int], None]


@dataclass(frozen=True)
class Listeners:
    """Who hears of a run: `on_progress(update, updates, loss)` every `progress_every` updates, `say` once by which
    forward pass and attention the encoder trains."""

    on_progress: Callable[[int, int, float], None] | None = None
    progress_every: int = 1
    say: Callable[[str], None] | None = None
    logger: Logger | None = None


@dataclass(frozen=True)
class ChosenRecipe:
    """A recipe, and after how many passes its training ends (None: all of them), though its learning rate decays as if
    it went on."""

    recipe: Recipe
    epochs: float | None = None


def finetune(
    encoder_directory: str,
    task: TaskOptions,
    finetuning: FinetuningOptions,
    trainer: TrainerOptions,
    *,
    max_length: int,
    seed: int,
    listeners: Listeners,
    checkpoint: Checkpointing,
    choice: ChosenRecipe | None = None,
) -> Outcome:
    """Fine-tune the encoder (a directory or a hub name) on one device and score the development examples.

    `seed` draws the new layers, the order and dropout; torch's global generators are left as they were. `choice` None
    is the task's own recipe. A run that was interrupted goes on from its checkpoint, and ends in the scores of one that
    was not. Raises InputError for unreadable files or an encoder that cannot do what is asked, DivergedError where a
    loss or weight is not finite, and Stopped, after saving, where a signal asks to stop.
    """
    started = time.perf_counter()
    inputs = read_inputs(encoder_directory, task, max_length, finetuning.token_types)
    features = inputs.featurize(inputs.train_examples)
    choice = choice or ChosenRecipe(finetuning.recipe_of(task.name))
    planned = schedule(features, choice, finetuning)
    with generators_kept(torch_device(trainer)), quiet_lightning():
        module, backend = fit(
            encoder_directory, inputs, features, finetuning, planned, trainer, seed, checkpoint, listeners
        )
        predict = predict_after(_lightning(trainer, logger=False), module, inputs, trainer)
        outcome = scored(inputs, predict)
    seconds = module.earlier_seconds + time.perf_counter() - started
    return replace(outcome, updates=planned.last_step, seconds=seconds, attention_backend=backend)


@dataclass(frozen=True)
class Schedule:
    """The updates of a recipe: its learning rate decays to 0 at `steps`, and training ends after `last_step`."""

    recipe: Recipe
    steps: int
    last_step: int
    steps_per_epoch: int

    @property
    def epoch_ends(self) -> list[int]:
        """The updates after which an epoch, or the training, has ended."""
        whole = range(self.steps_per_epoch, self.last_step, self.steps_per_epoch)
        return [*whole, self.last_step]

    def epochs_at(self, step: int) -> float:
        """Return the passes that are done after an update."""
        return step / self.steps_per_epoch


def schedule(features: Features, choice: ChosenRecipe, finetuning: FinetuningOptions) -> Schedule:
    """Return the updates of a recipe on these features; `finetuning.max_steps` replaces its epochs."""
    recipe, number = choice.recipe, len(features.example)
    per_epoch = -(-number // recipe.batch_size)
    steps = finetuning.max_steps or num_updates(number, recipe.batch_size, recipe.num_epochs)
    last = steps if choice.epochs is None else min(steps, max(1, round(choice.epochs * per_epoch)))
    return Schedule(recipe, steps, last, per_epoch)


def num_updates(num_samples: int, batch_size: int, num_epochs: float) -> int:
    """Return the updates of `num_epochs` passes, at least 1. Raises InputError for no passes."""
    if num_epochs <= 0:
        raise InputError(f"finetuning {num_epochs=} must be above 0; for an encoder as it is, use a zero-shot probe")
    return max(1, round(-(-num_samples // batch_size) * num_epochs))


def training_batches(
    lengths: np.ndarray, batch_size: int, window_batches: int, seed: int, max_steps: int
) -> Iterator[np.ndarray]:
    """Yield `max_steps` batches of sample numbers (<= batch_size,) int64: epochs 1, 2, ..., each sample once in each.

    Pure in (lengths, seed): an epoch's permutation is cut into windows of `window_batches` batches, each sorted by
    length and cut into batches, and the batches are shuffled. Only an epoch's last samples may form a smaller batch.
    """
    step, epoch = 0, 0
    while step < max_steps:
        epoch += 1
        samples = permutation(seed, stream("finetuning/samples"), epoch, len(lengths))
        batches = []
        for window in np.split(samples, np.arange(0, len(samples), batch_size * window_batches)[1:]):
            by_length = window[np.argsort(lengths[window], kind="stable")]
            batches += np.split(by_length, np.arange(0, len(window), batch_size)[1:])
        for number in permutation(seed, stream("finetuning/batches"), epoch, len(batches))[: max_steps - step]:
            yield batches[number]
            step += 1


def fit(
    encoder_directory: str,
    inputs: TaskInputs,
    features: Features,
    finetuning: FinetuningOptions,
    planned: Schedule,
    trainer: TrainerOptions,
    seed: int,
    checkpoint: Checkpointing,
    listeners: Listeners,
    watching: tuple[pl.Callback, ...] = (),
) -> tuple[FinetuningModule, str]:
    """Train the encoder with a new head on `features`, from the checkpoint on where there is one.

    `watching` look on, and come before what saves. Returns the module and the name of the attention.
    """
    task, recipe = inputs.task, planned.recipe
    model = _new_model(encoder_directory, inputs, finetuning, trainer, seed)
    encoder = model.encoder
    told = listeners.on_progress, listeners.progress_every
    module = FinetuningModule(model, finetuning, recipe, task.name, planned.steps, seed, *told)
    window = finetuning.length_window_batches
    order = list(training_batches(features.lengths(), recipe.batch_size, window, seed, planned.last_step))
    cut = cut_batches(features.num_tokens, order, trainer.max_tokens, trainer.accumulation, f"tasks.{task.name}")
    make_directory(checkpoint.path.parent)
    with StopRequests(waits=False) as stop:
        saving = TimedCheckpoint(
            checkpoint.path, checkpoint.seconds, stop, saves_last=False, on_resume=checkpoint.on_resume
        )
        lightning = _lightning(
            trainer,
            logger=_counted(listeners.logger, features, order),
            callbacks=[*watching, saving],
            max_steps=len(order),
            accumulate_grad_batches=cut.num_parts,
        )
        device = lightning.strategy.root_device
        backend = encoder.backend(device, trainer.precision, dropout=True)
        if listeners.say is not None:
            listeners.say(f"{'padded' if encoder.architecture is None else 'flat'} forward pass, attention: {backend}")
        batches = TaskBatches(features, inputs.layout, order, partial(encoder.layout_of, backend=backend), cut)
        rest = Stream(lambda: _loader(batches, lightning.global_step, trainer, device))
        lightning.fit(module, rest, ckpt_path=readable(checkpoint.path), weights_only=True)
    return module, backend


def _counted(logger: Logger | None, features: Features, order: list[np.ndarray]) -> Logger | bool:
    """Return a logger that is told the real tokens which were read by each update, False for none."""
    if logger is None:
        return False
    num_tokens = features.num_tokens
    read = np.cumsum([num_tokens[batch].sum() for batch in order])
    return WithTokens(logger, lambda update: int(read[update - 1]))


def _new_model(
    encoder_directory: str, inputs: TaskInputs, finetuning: FinetuningOptions, trainer: TrainerOptions, seed: int
) -> TaskModel:
    with _seeded(seed, "finetuning/layers"):
        encoder = FlatEncoder(load_encoder(encoder_directory, finetuning.pooler), inputs.layout.pad)
        model = TaskModel(encoder, head_kind(inputs.task).make_head(encoder.hf.config.hidden_size, inputs.task))
    model.train()  # `transformers` loads an encoder in evaluation mode, in which Lightning would leave its dropout
    encoder.obey(compiles=trainer.compile, checkpoints_layers=trainer.gradient_checkpointing)
    return model


def _loader(batches: TaskBatches, first_batch: int, trainer: TrainerOptions, device: torch.device) -> DataLoader:
    return batches.loader(first_batch, num_workers=trainer.num_workers, pin_memory=device.type == "cuda")


def _lightning(trainer: TrainerOptions, **parts: Any) -> pl.Trainer:
    """Return a trainer on one device, in one process, also inside a job of Slurm or torchrun."""
    return one_epoch_trainer(trainer, devices=1, plugins=[GivenRank(), BackgroundCheckpointIO()], **parts)


@contextmanager
def _seeded(seed: int, stream_name: str) -> Iterator[None]:
    """The CPU's generator, from which layers are drawn, follows (seed, stream) inside and is as before outside."""
    key = epoch_key(seed, stream(stream_name), 0)
    with generators_kept(torch.device("cpu")):
        seed_step(torch.device("cpu"), int(draw64(np.full(1, key), np.uint64(0))[0] >> np.uint64(1)))
        yield
