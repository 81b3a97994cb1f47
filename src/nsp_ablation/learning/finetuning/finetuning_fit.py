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
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.base.owned_paths import make_directory
from nsp_ablation.base.randomness import draw64, epoch_key, permutation, stream
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.resume import Stream, TimedCheckpoint, readable
from nsp_ablation.learning.engine.signals import StopRequests
from nsp_ablation.learning.engine.step_seed import seed_step
from nsp_ablation.learning.engine.training import one_epoch_trainer
from nsp_ablation.learning.engine.training_device import generators_kept, torch_device
from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.finetuning.finetuning_module import FinetuningModule
from nsp_ablation.learning.finetuning.task_batches import BatchCut, TaskBatches, cut_batches
from nsp_ablation.learning.finetuning.task_model import TaskModel, head_kind
from nsp_ablation.learning.tasks.features import Features, length_batches
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.options.finetuning_options import FinetuningOptions
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.options.trainer_options import TrainerOptions

_EVALUATION_TOKENS = 16384  # of one batch without gradients
FOREIGN_CONTEXTS = "foreign_contexts"


@dataclass(frozen=True)
class Checkpointing:
    """The file that holds a run's state, `seconds` of work apart; `on_resume(step)` hears where a run goes on."""

    path: Path
    seconds: float
    on_resume: Callable[[int], None]


def finetune(
    encoder_directory: str,
    task: TaskOptions,
    finetuning: FinetuningOptions,
    trainer: TrainerOptions,
    *,
    max_length: int,
    seed: int,
    logger: Logger | None,
    on_progress: Callable[[int, int, float], None] | None,
    progress_every: int,
    checkpoint: Checkpointing,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """Fine-tune the encoder (a directory or a hub name) on one device and score the development examples.

    `seed` draws the new layers, the order and dropout; torch's global generators are left as they were. `say` hears
    once by which forward pass and attention the encoder trains.
    `on_progress(update, updates, loss)` is called every `progress_every` updates. A run that was interrupted goes on
    from its checkpoint, and ends in the scores of one that was not. Raises InputError for unreadable files or an
    encoder that cannot do what is asked, DivergedError where a loss or weight is not finite, and Stopped, after saving,
    where a signal asks to stop.
    """
    started = time.perf_counter()
    data = _read(encoder_directory, task, max_length, finetuning.token_types)
    recipe = finetuning.recipe_of(task.name)
    steps = finetuning.max_steps or num_updates(len(data.train.example), recipe.batch_size, recipe.num_epochs)
    with _seeded(seed, "finetuning/layers"):
        encoder = FlatEncoder(load_encoder(encoder_directory, finetuning.pooler), data.layout.pad)
        model = TaskModel(encoder, head_kind(task).make_head(encoder.hf.config.hidden_size, task))
    model.train()  # `transformers` loads an encoder in evaluation mode, in which Lightning would leave its dropout
    encoder.obey(compiles=trainer.compile, checkpoints_layers=trainer.gradient_checkpointing)
    module = FinetuningModule(model, finetuning, task.name, steps, seed, on_progress, progress_every)
    lengths, window = data.train.lengths(), finetuning.length_window_batches
    order = list(training_batches(lengths, recipe.batch_size, window, seed, steps))
    cut = cut_batches(data.train.num_tokens, order, trainer.max_tokens, trainer.accumulation, f"tasks.{task.name}")
    with generators_kept(torch_device(trainer)), quiet_lightning():
        backend = _train(module, data, order, cut, checkpoint, trainer, logger, say)
        outcome = _evaluate(module, data, task, trainer)
    seconds = module.earlier_seconds + time.perf_counter() - started
    return replace(outcome, updates=steps, seconds=seconds, attention_backend=backend)


def _evaluate(module: FinetuningModule, data: "_Data", task: TaskOptions, trainer: TrainerOptions) -> Outcome:
    """Score the development examples, and where these have contexts, once more on foreign ones: `foreign_contexts` is
    what the encoder scores in the task's metric without the text that is asked about."""

    def scored(examples: list[Any]) -> Outcome:
        features = data.featurize(examples, task)
        outputs = _predict(_lightning(trainer, logger=False), module, features, data.layout, trainer)
        predictions = head_kind(task).decode(examples, features, outputs)
        return task_kind(task).score(data.dev_examples, predictions, task)

    outcome = scored(data.dev_examples)
    foreign = None
    if TASK_KINDS[task.kind].has_contexts:
        foreign = task_kind(task).with_foreign_contexts(data.dev_examples)
    if foreign is None:
        return outcome
    scores = scored(foreign).scores
    metrics = outcome.metrics | {FOREIGN_CONTEXTS: float(scores.mean())}
    return replace(outcome, metrics=metrics, items=outcome.items | {FOREIGN_CONTEXTS: scores})


@dataclass(frozen=True)
class _Data:
    tokenizer: Any  # a Tokenizer of tokenizers
    layout: InputLayout
    train: Features
    dev_examples: list[Any]

    def featurize(self, examples: list[Any], task: TaskOptions) -> Features:
        return task_kind(task).featurize(examples, self.tokenizer, self.layout, task)


def _read(encoder_directory: str, task: TaskOptions, max_length: int, token_types: str) -> _Data:
    train, dev = read_task(task, "train"), read_task(task, "dev")
    layout = read_layout(encoder_directory, max_length, token_types)
    tokenizer = load_tokenizer(encoder_directory).backend_tokenizer
    return _Data(tokenizer, layout, task_kind(task).featurize(train, tokenizer, layout, task), dev)


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


def _train(
    module: FinetuningModule,
    data: _Data,
    order: list[np.ndarray],
    cut: BatchCut,
    checkpoint: Checkpointing,
    trainer: TrainerOptions,
    logger: Logger | None,
    say: Callable[[str], None] | None,
) -> str:
    """Train in place, from the checkpoint on where there is one, and return the name of the attention."""
    make_directory(checkpoint.path.parent)
    with StopRequests(waits=False) as stop:
        saving = TimedCheckpoint(
            checkpoint.path, checkpoint.seconds, stop, saves_last=False, on_resume=checkpoint.on_resume
        )
        lightning = _lightning(
            trainer,
            logger=logger or False,
            callbacks=[saving],
            max_steps=len(order),
            accumulate_grad_batches=cut.num_parts,
        )
        device, encoder = lightning.strategy.root_device, module.model.encoder
        backend = encoder.backend(device, trainer.precision, dropout=True)
        if say is not None:
            say(f"{'padded' if encoder.architecture is None else 'flat'} forward pass, attention: {backend}")
        batches = TaskBatches(data.train, data.layout, order, partial(encoder.layout_of, backend=backend), cut)
        rest = Stream(lambda: _loader(batches, lightning.global_step, trainer, device))
        lightning.fit(module, rest, ckpt_path=readable(checkpoint.path), weights_only=True)
    return backend


def _loader(batches: TaskBatches, first_batch: int, trainer: TrainerOptions, device: torch.device) -> DataLoader:
    return batches.loader(first_batch, num_workers=trainer.num_workers, pin_memory=device.type == "cuda")


def _lightning(trainer: TrainerOptions, **parts: Any) -> pl.Trainer:
    """Return a trainer on one device, in one process, also inside a job of Slurm or torchrun."""
    return one_epoch_trainer(trainer, devices=1, plugins=[GivenRank(), BackgroundCheckpointIO()], **parts)


def _predict(
    lightning: pl.Trainer, module: FinetuningModule, features: Features, layout: InputLayout, trainer: TrainerOptions
) -> dict[str, np.ndarray]:
    device, encoder = lightning.strategy.root_device, module.model.encoder
    order = list(length_batches(features.lengths(), features.num_tokens, _EVALUATION_TOKENS))
    backend = encoder.backend(device, trainer.precision, dropout=False)
    made = TaskBatches(features, layout, order, partial(encoder.layout_of, backend=backend))
    batches = lightning.predict(module, _loader(made, 0, trainer, device))
    assert batches is not None
    samples = np.concatenate(order)
    outputs = {}
    for name in batches[0]:
        values = torch.cat([batch[name] for batch in batches]).cpu().numpy()  # type: ignore[index, call-overload]
        outputs[name] = np.empty_like(values)
        outputs[name][samples] = values
    return outputs


@contextmanager
def _seeded(seed: int, stream_name: str) -> Iterator[None]:
    """The CPU's generator, from which layers are drawn, follows (seed, stream) inside and is as before outside."""
    key = epoch_key(seed, stream(stream_name), 0)
    with generators_kept(torch.device("cpu")):
        seed_step(torch.device("cpu"), int(draw64(np.full(1, key), np.uint64(0))[0] >> np.uint64(1)))
        yield
