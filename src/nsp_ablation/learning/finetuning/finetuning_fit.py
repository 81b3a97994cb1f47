"""Fine-tune one encoder on one task and score its development set."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.encoder_directory import InputLayout, load_encoder, load_tokenizer, read_layout
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.resume import Stream, TimedCheckpoint, readable
from nsp_ablation.learning.engine.signals import StopRequests
from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.finetuning.finetuning_module import FinetuningModule, Optimization
from nsp_ablation.learning.finetuning.order import evaluation_batches, training_batches
from nsp_ablation.learning.finetuning.task_kinds import task_kind
from nsp_ablation.learning.finetuning.task_model import TaskModel
from nsp_ablation.learning.tasks.baselines import Baselines, measure_baselines
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.outcome import TaskOutcome, outcome
from nsp_ablation.learning.tasks.readers import read_task
from nsp_ablation.learning.tasks.task_spec import Examples, TaskSpec

_EVALUATION_TOKENS = 16384  # of one padded batch without gradients


@dataclass(frozen=True)
class Checkpointing:
    """The file that holds a run's state, `seconds` of work apart; `on_resume(step)` hears where a run goes on."""

    path: Path
    seconds: float
    on_resume: Callable[[int], None]


def finetune(
    encoder_directory: str,
    spec: TaskSpec,
    *,
    seed: int,
    learning_rate: float,
    batch_size: int,
    num_epochs: float,
    weight_decay: float,
    warmup_ratio: float,
    gradient_clip: float,
    max_steps: int | None,
    pooler: str,
    token_types: str,
    max_length: int,
    accelerator: str,
    precision: str,
    logger: Logger | None = None,
    on_progress: Callable[[int, int, float], None] | None = None,
    progress_every: int = 50,
    baselines: Baselines | None = None,
    checkpoint: Checkpointing | None = None,
) -> TaskOutcome:
    """Fine-tune the encoder (a directory or a hub name) on one device and score the development examples.

    `seed` draws the new layers, the order and dropout; torch's global generators are left as they were. `max_steps`
    replaces `num_epochs` where given. Baselines are measured unless given (they depend on the task alone). With
    `checkpoint`, a run that was interrupted goes on where it was saved, and ends in the scores of one that was not.
    Raises ValueError for unreadable files or an encoder that cannot do what is asked, DivergedError where a loss or
    weight is not finite, and Stopped, after saving, where a signal asks to stop.
    """
    started = time.perf_counter()
    data = _read(encoder_directory, spec, max_length, token_types)
    steps = max_steps if max_steps is not None else num_updates(len(data.train.example), batch_size, num_epochs)
    with _seeded(seed, "finetuning/layers"):
        encoder = load_encoder(encoder_directory, pooler)
        model = TaskModel(encoder, task_kind(spec).build_head(encoder.config.hidden_size))
    optimization = Optimization(learning_rate, weight_decay, warmup_ratio, gradient_clip, steps)
    module = FinetuningModule(model, optimization, seed, f"finetuning/{spec.name}", on_progress, progress_every)
    order = list(training_batches(data.train.lengths(), batch_size, seed, steps))
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), quiet_lightning():
        _train(module, data, order, checkpoint, accelerator, precision, logger)
        outputs = _predict(_trainer(accelerator, precision, None, []), module, data.dev, data.layout)
    scored = task_kind(spec).score(data.dev_examples, data.dev, outputs)
    seconds = module.earlier_seconds + time.perf_counter() - started
    if baselines is None:
        baselines = measure_baselines(spec, data.train_examples, data.dev_examples)
    return outcome(scored, [example.id for example in data.dev_examples], baselines, steps, seconds)


@dataclass(frozen=True)
class _Data:
    train_examples: Examples
    dev_examples: Examples
    layout: InputLayout
    train: Features
    dev: Features


def _read(encoder_directory: str, spec: TaskSpec, max_length: int, token_types: str) -> _Data:
    kind = task_kind(spec)
    train, dev = read_task(spec, "train"), read_task(spec, "dev")
    layout, tokenizer = read_layout(encoder_directory, max_length, token_types), load_tokenizer(encoder_directory)
    features = [kind.featurize(examples, tokenizer, layout) for examples in (train, dev)]
    return _Data(train, dev, layout, *features)


def num_updates(num_samples: int, batch_size: int, num_epochs: float) -> int:
    """Return the updates of `num_epochs` passes, at least 1. Raises ValueError for no passes."""
    if num_epochs <= 0:
        raise ValueError(f"finetuning {num_epochs=} must be above 0; for an encoder as it is, use a zero-shot probe")
    return max(1, round(-(-num_samples // batch_size) * num_epochs))


def _train(
    module: FinetuningModule,
    data: "_Data",
    order: list[np.ndarray],
    checkpoint: Checkpointing | None,
    accelerator: str,
    precision: str,
    logger: Logger | None,
) -> None:
    """Train in place, from the checkpoint on where there is one."""
    if checkpoint is None:
        _trainer(accelerator, precision, logger, []).fit(module, _Batches(data.train, data.layout, order))
        return
    checkpoint.path.parent.mkdir(parents=True, exist_ok=True)
    with StopRequests() as stop:
        saving = TimedCheckpoint(
            checkpoint.path, checkpoint.seconds, stop, saves_last=False, on_resume=checkpoint.on_resume
        )
        trainer = _trainer(accelerator, precision, logger, [saving], max_steps=len(order))

        rest = Stream(lambda: _Batches(data.train, data.layout, order[trainer.global_step :]))
        trainer.fit(module, rest, ckpt_path=readable(checkpoint.path), weights_only=True)


class _Batches:
    """Batches in the order given, as Lightning iterates them: one epoch."""

    def __init__(self, features: Features, layout: InputLayout, order: list[np.ndarray]):
        self.features, self.layout, self.order = features, layout, order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        return (self.features.batch(samples, self.layout) for samples in self.order)


def _trainer(
    accelerator: str, precision: str, logger: Logger | None, callbacks: list[pl.Callback], max_steps: int = -1
) -> pl.Trainer:
    return pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=precision,  # type: ignore[arg-type]
        logger=logger if logger is not None else False,
        max_epochs=1,
        max_steps=max_steps,
        plugins=[GivenRank(), BackgroundCheckpointIO()],  # one process, also inside a job of Slurm or torchrun
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _predict(
    trainer: pl.Trainer, module: FinetuningModule, features: Features, layout: InputLayout
) -> dict[str, np.ndarray]:
    order = evaluation_batches(features.lengths(), features.sequences_per_sample, _EVALUATION_TOKENS)
    batches = trainer.predict(module, _Batches(features, layout, order))
    assert batches is not None
    samples = np.concatenate(order)
    outputs = {}
    for name in batches[0]:
        values = torch.cat([batch[name].cpu() for batch in batches]).numpy()  # type: ignore[index, call-overload]
        outputs[name] = np.empty_like(values)
        outputs[name][samples] = values
    return outputs


@contextmanager
def _seeded(seed: int, stream_name: str) -> Iterator[None]:
    """Torch's generators drawn from (seed, stream) inside, as before outside."""
    key = epoch_key(seed, stream(stream_name), 0)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(draw64(np.full(1, key), np.uint64(0))[0] >> np.uint64(1)))
        yield
