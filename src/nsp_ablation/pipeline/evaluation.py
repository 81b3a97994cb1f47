"""One encoder on one task: fine-tuned and scored, or probed as it is."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_masked_lm, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.engine.training_device import repeatable, torch_device
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, ChosenRecipe, Listeners, finetune
from nsp_ablation.learning.probes.probe_inputs import probe_of
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.learning.tasks.task_files import split_files
from nsp_ablation.options.finetuning_options import Recipe
from nsp_ablation.pipeline.cell_logger import record_names, run_logger
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.device import device_name
from nsp_ablation.pipeline.encoders import Encoder
from nsp_ablation.pipeline.probe_data import probe_inputs
from nsp_ablation.pipeline.selections import Selection, selection_of
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.reporting.records.sweep_cell import CellProgress
from nsp_ablation.text.microworld.ceiling import type_only_ceiling

_PROGRESS_SECONDS = 5.0
_PROGRESS_UPDATES = 50  # reading the loss costs more than an update of a small model


def evaluate(
    config: Config, encoder: Encoder, task: TaskData, seed: int | None, state: Path
) -> tuple[Outcome, str, str, dict[str, str]]:
    """Return the outcome, the device's name, the attention backend and the optional parts that were left out; `state`
    keeps an interrupted fine-tuning.

    Raises InputError for unreadable files, or a corpus that holds no document out.
    """
    omitted: dict[str, str] = {}
    with repeatable(config.trainer, torch_device(config.trainer)):
        if seed is None:
            outcome = _probe(config, encoder, task)
        else:
            outcome, omitted = _finetune(config, encoder, task, seed, state)
    return outcome, device_name(config.trainer), _backends(encoder, outcome.attention_backend), omitted


def _finetune(
    config: Config, encoder: Encoder, task: TaskData, seed: int, state: Path
) -> tuple[Outcome, dict[str, str]]:
    name = task.options.name
    checkpoint = Checkpointing(
        path=state / "last.ckpt",
        seconds=config.pretraining.checkpoint_seconds,
        on_resume=lambda update: say("finetune", f"{name} seed {seed}: resumed at update {update}"),
    )
    choice = _chosen(selection_of(config, encoder, task))
    names = record_names(encoder, state.name, is_probe=False)
    with run_logger(config, "records", state.name, names) as logger:
        outcome = finetune(
            str(encoder.make()),
            task.options,
            config.finetuning,
            config.trainer,
            max_length=config.max_length,
            seed=seed,
            listeners=Listeners(
                _progress(f"{name} seed {seed}", encoder, config.trainer.progress),
                _PROGRESS_UPDATES,
                lambda text: say("finetune", f"{name} seed {seed}: {text}"),
                logger,
            ),
            checkpoint=checkpoint,
            choice=choice,
        )
    ceiling = type_only_ceiling(name, split_files(task.options, "dev")[0]) if task.is_generated else None
    metrics = outcome.metrics if ceiling is None else outcome.metrics | {"type_only_ceiling": ceiling}
    return replace(outcome, metrics=metrics, baselines=task.baselines()), logger.omitted


def _chosen(selection: Selection | None) -> ChosenRecipe | None:
    """Return the recipe that was chosen, None where it is given."""
    if selection is None:
        return None
    facts = selection.facts()
    trial = facts.trials[facts.chosen]
    return ChosenRecipe(
        Recipe(trial.learning_rate, trial.batch_size, trial.num_epochs, trial.weight_decay), facts.epochs
    )


def _probe(config: Config, encoder: Encoder, task: TaskData) -> Outcome:
    """Return what a zero-shot probe finds. Raises InputError for unreadable files, or where no document is held out."""
    encoder.hear(CellProgress(f"probe {task.options.name}"))
    started, directory = time.perf_counter(), encoder.make()
    layout = read_layout(str(directory), config.max_length, "as_pretrained")
    inputs = probe_inputs(config, encoder.stores, task, directory, layout)
    device = torch_device(config.trainer)
    needs_head = task.facts.needs_mlm_head
    model = load_masked_lm(str(directory)) if needs_head else load_encoder(str(directory), "fresh")
    model = model.eval().to(device)
    outcome = probe_of(task.options).measure(model, inputs, task.options)
    backend = FlatEncoder(model.base_model, layout.pad).backend(device, "32-true", dropout=False)
    return replace(outcome, seconds=time.perf_counter() - started, attention_backend=backend)


def _backends(encoder: Encoder, evaluated: str) -> str:
    """Return the attention backends that made a result: of pre-training, where it was ours, and of what followed."""
    if encoder.arm != "trained":
        return evaluated
    pretraining = read_json(encoder.make() / "pretraining.json").get("attention_backend", "not recorded")
    return f"pre-training: {pretraining}; after it: {evaluated}"


def _progress(name: str, encoder: Encoder, says: bool) -> Callable[[int, int, float], None]:
    """Return what keeps how far a fine-tuning is, and says it every few seconds where it `says` so."""
    spoken = time.monotonic()
    encoder.hear(CellProgress(f"finetune {name}"))

    def show(step: int, max_steps: int, loss: float) -> None:
        nonlocal spoken
        encoder.hear(CellProgress(f"finetune {name}", step, max_steps, loss=loss))
        if says and time.monotonic() - spoken >= _PROGRESS_SECONDS:
            spoken = time.monotonic()
            say("finetune", f"{name}: update {step}/{max_steps}  loss {loss:.3f}")

    return show
