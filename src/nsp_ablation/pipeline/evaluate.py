"""One encoder on one task: fine-tuned and scored, or probed as it is."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, finetune
from nsp_ablation.learning.tasks.outcome import TaskOutcome
from nsp_ablation.learning.tasks.task_spec import TaskSpec
from nsp_ablation.options.task_options import TASK_KINDS
from nsp_ablation.pipeline.arms import Arm
from nsp_ablation.pipeline.cell_logger import run_logger
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.device import device_name
from nsp_ablation.pipeline.task_files import task_baselines
from nsp_ablation.pipeline.zero_shot import probe

_PADDED_BACKEND = "sdpa, padded"
_PROGRESS_SECONDS = 5.0


def evaluate(
    config: Config, arm: Arm, spec: TaskSpec, seed: int | None, directory: Path, run: Path
) -> tuple[TaskOutcome, str, str]:
    """Return the outcome, the device's name and the attention backend; `run` keeps the state of a fine-tuning.

    Raises ValueError for a task without a recipe, unreadable files, or a corpus that holds no document out.
    """
    if TASK_KINDS[spec.kind].is_probe:
        outcome = probe(config, arm, spec, directory)
    else:
        assert seed is not None
        outcome = _finetune(config, arm, spec, seed, directory, run)
    return outcome, device_name(config.trainer), _backends(arm, directory)


def _finetune(config: Config, arm: Arm, spec: TaskSpec, seed: int, directory: Path, run: Path) -> TaskOutcome:
    settings = config.finetuning
    recipe = settings.recipe_of(spec.name)
    name = f"{spec.name} seed {seed}"
    checkpoint = Checkpointing(
        path=run / "last.ckpt",
        seconds=config.pretraining.checkpoint_seconds,
        on_resume=lambda update: say("finetune", f"{name}: resumed at update {update}"),
    )
    with run_logger(config, arm.group, "finetuning", f"{spec.name}-p{arm.pretraining_seed}-f{seed}") as logger:
        outcome = finetune(
            str(directory),
            spec,
            seed=seed,
            learning_rate=recipe.learning_rate,
            batch_size=recipe.batch_size,
            num_epochs=settings.num_epochs if settings.num_epochs is not None else recipe.num_epochs,
            weight_decay=recipe.weight_decay,
            warmup_ratio=settings.warmup_ratio,
            gradient_clip=settings.gradient_clip,
            max_steps=settings.max_steps,
            pooler=settings.pooler,
            token_types=settings.token_types,
            max_length=config.max_length,
            accelerator=config.trainer.accelerator,
            precision=config.trainer.precision,
            logger=logger,
            on_progress=_progress(name) if config.trainer.progress else None,
            baselines=task_baselines(config, spec),
            checkpoint=checkpoint,
        )
    of_microworld = config.corpus.reader == "microworld" and config.tasks[spec.name].path is None
    if of_microworld and (ceiling := _ceiling(spec)) is not None:
        outcome = replace(outcome, metrics={**outcome.metrics, "type_only_ceiling": ceiling})
    return outcome


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


def _ceiling(spec: TaskSpec) -> float | None:
    """Return what a reader reaches who knows what type of word is wanted, but not whose (micro-world tasks)."""
    from nsp_ablation.text.microworld.ceiling import type_only_ceiling

    dev_file = spec.dev_file or "dev.jsonl"
    return type_only_ceiling(spec.name, Path(str(spec.path)) / dev_file)
