"""Recipes tried out: each is trained and scored after every epoch, on a tenth of training or on the development set."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.training_device import generators_kept, torch_device
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, ChosenRecipe, Listeners, fit, schedule
from nsp_ablation.learning.finetuning.task_inputs import read_inputs
from nsp_ablation.learning.finetuning.task_scores import EpochScores
from nsp_ablation.options.finetuning_options import FinetuningOptions, Recipe
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.options.trainer_options import TrainerOptions

_PROGRESS_UPDATES = 50
TRIALS_FILE = "trials.json"  # of the trials that are done, beside the checkpoint of the one at hand


@dataclass(frozen=True)
class Trial:
    """A recipe with its score, in the task's metric, after each of `epochs`, which are passes over what it trained on.

    Its learning rate decays to 0 at the last of them.
    """

    recipe: Recipe
    epochs: list[float]
    scores: list[float]


@dataclass(frozen=True)
class Chosen:
    """The best trial, and after how many epochs; of equal scores the first trial, then the fewest epochs."""

    trial: int
    epochs: float


def chosen(trials: list[Trial]) -> Chosen:
    """Return the choice among trials."""
    best = int(np.argmax([max(trial.scores) for trial in trials]))
    trial = trials[best]
    return Chosen(best, trial.epochs[int(np.argmax(trial.scores))])


def try_recipes(
    encoder_directory: str,
    task: TaskOptions,
    finetuning: FinetuningOptions,
    trainer: TrainerOptions,
    *,
    max_length: int,
    seed: int,
    state: Path,
    checkpoint_seconds: float,
    on_progress: Callable[[int, int, int, int, float], None],
    on_resume: Callable[[int], None],
) -> list[Trial]:
    """Train every recipe of the grid from the same new layers, in the same order, and score it epoch by epoch.

    With `finetuning.selection=train_tenth` the development set is not looked at. `state` is a directory in which trials
    that are done, and the checkpoint of the one at hand, outlive an interruption; `on_progress(trial, trials, update,
    updates, loss)` is told now and then. Raises as `finetune`.
    """
    inputs = read_inputs(
        *(encoder_directory, task, max_length, finetuning.token_types),
        tenth_apart=finetuning.selection == "train_tenth",
    )
    features, grid = inputs.featurize(inputs.train_examples), finetuning.grid_of(task.name)
    file, trials = state / TRIALS_FILE, list[Trial]()
    if file.exists():
        trials = [Trial(**{**each, "recipe": Recipe(**each["recipe"])}) for each in read_json(file)]
    for number, recipe in enumerate(grid[len(trials) :], start=len(trials) + 1):
        planned = schedule(features, ChosenRecipe(recipe), finetuning)
        watch = EpochScores(inputs, planned.epoch_ends, trainer)
        told = Listeners(partial(on_progress, number, len(grid)), _PROGRESS_UPDATES)
        checkpoint = Checkpointing(state / "last.ckpt", checkpoint_seconds, on_resume)
        with generators_kept(torch_device(trainer)), quiet_lightning():
            fit(encoder_directory, inputs, features, finetuning, planned, trainer, seed, checkpoint, told, (watch,))
        (state / "last.ckpt").unlink(missing_ok=True)
        steps = sorted(watch.scores)
        trials.append(
            Trial(recipe, [planned.epochs_at(step) for step in steps], [watch.scores[step] for step in steps])
        )
        write_json(file, [asdict(trial) for trial in trials])
    return trials


def as_facts(trials: list[Trial]) -> list[dict[str, Any]]:
    """Return trials as JSON values: the recipe's numbers, `epochs` and `scores`."""
    numbers = ("learning_rate", "batch_size", "num_epochs", "weight_decay")
    return [
        {name: getattr(trial.recipe, name) for name in numbers} | {"epochs": trial.epochs, "scores": trial.scores}
        for trial in trials
    ]
