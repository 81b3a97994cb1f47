"""One encoder on one task: fine-tuned and scored, or probed as it is."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, finetune
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.learning.tasks.task_reader import split_files
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.pipeline.arms import Arm
from nsp_ablation.pipeline.cell_logger import run_logger
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.device import device_name
from nsp_ablation.pipeline.task_files import task_baselines
from nsp_ablation.pipeline.zero_shot import probe

_PADDED_BACKEND = "sdpa, padded"
_PROGRESS_SECONDS = 5.0
_PROGRESS_UPDATES = 50  # reading the loss costs more than an update of a small model


def evaluate(
    config: Config, arm: Arm, task: TaskOptions, seed: int | None, directory: Path, run: Path
) -> tuple[Outcome, str, str]:
    """Return the outcome, the device's name and the attention backend; `run` keeps the state of a fine-tuning.

    Raises ValueError for unreadable files, or a corpus that holds no document out.
    """
    if seed is None:
        outcome = probe(config, arm, task, directory)
    else:
        outcome = _finetune(config, arm, task, seed, directory, run)
    return outcome, device_name(config.trainer), _backends(arm, directory)


def _finetune(config: Config, arm: Arm, task: TaskOptions, seed: int, directory: Path, run: Path) -> Outcome:
    name = f"{task.name} seed {seed}"
    checkpoint = Checkpointing(
        path=run / "last.ckpt",
        seconds=config.pretraining.checkpoint_seconds,
        on_resume=lambda update: say("finetune", f"{name}: resumed at update {update}"),
    )
    with run_logger(config, arm.group, "finetuning", f"{task.name}-p{arm.pretraining_seed}-f{seed}") as logger:
        outcome = finetune(
            str(directory),
            task,
            config.finetuning,
            config.trainer,
            max_length=config.max_length,
            seed=seed,
            logger=logger,
            on_progress=_progress(name) if config.trainer.progress else None,
            progress_every=_PROGRESS_UPDATES,
            checkpoint=checkpoint,
        )
    of_microworld = config.corpus.reader == "microworld" and config.tasks[task.name].path is None
    ceiling = {"type_only_ceiling": value} if of_microworld and (value := _ceiling(task)) is not None else {}
    return replace(outcome, metrics=outcome.metrics | ceiling, baselines=task_baselines(config, task))


def _backends(arm: Arm, directory: Path) -> str:
    """Return the attention backends that made a result: of pre-training, where it was ours, and of what followed."""
    if arm.kind != "trained":
        return _PADDED_BACKEND
    pretraining = read_json(directory / "pretraining.json").get("attention_backend", "not recorded")
    return f"pre-training: {pretraining}; after it: {_PADDED_BACKEND}"


def _progress(name: str) -> Callable[[int, int, float], None]:
    """Return what says how far a fine-tuning is, every few seconds."""
    spoken = time.monotonic()

    def show(step: int, max_steps: int, loss: float) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= _PROGRESS_SECONDS:
            spoken = time.monotonic()
            say("finetune", f"{name}: update {step}/{max_steps}  loss {loss:.3f}")

    return show


def _ceiling(task: TaskOptions) -> float | None:
    """Return what a reader reaches who knows what type of word is wanted, but not whose (micro-world tasks)."""
    from nsp_ablation.text.microworld.ceiling import type_only_ceiling

    return type_only_ceiling(task.name, split_files(task, "dev")[0])
