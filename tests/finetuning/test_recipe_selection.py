"""Recipes tried out: what is scored is what a run that ends there scores, and the development set is left alone."""

import json
import random
from dataclasses import replace

import pytest

from nsp_ablation.base.artifact import read_json
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, ChosenRecipe, Listeners, finetune
from nsp_ablation.learning.finetuning.recipe_selection import Trial, chosen, try_recipes
from nsp_ablation.options.finetuning_options import FinetuningOptions, GridOptions, Recipe, RecipeOptions
from nsp_ablation.options.trainer_options import TrainerOptions

RECIPE = RecipeOptions(learning_rate=1e-3, batch_size=8, num_epochs=2, weight_decay=0.01)
GRID = GridOptions(learning_rates=[1e-3, 3e-3], num_epochs=[2.0])
CPU = TrainerOptions("cpu")


@pytest.fixture
def task(tmp_path, task_of):
    draw = random.Random(0)
    for split, number in (("train", 60), ("dev", 40)):
        rows = []
        for n in range(number):
            words = draw.sample(["ann", "ben", "carl", "red", "blue", "oslo", "rome"], 4)
            rows.append(f"{draw.choice(('good', 'bad')) if n % 5 else 'yes'} {' '.join(words)}")
        labels = [int(row.startswith("good")) for row in rows]
        text = "".join(f"{row}\t{label}\n" for row, label in zip(rows, labels, strict=True))
        (tmp_path / f"{split}.tsv").write_text("sentence\tlabel\n" + text)
    columns = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}
    return task_of("classification", tmp_path, "train.tsv", "dev.tsv", **columns)


def tried(directory, task, state, selection, grid=GRID, told=None):
    options = FinetuningOptions("test", recipe=RECIPE, selection=selection, grid=grid)
    return try_recipes(
        *(directory, task, options, CPU),
        max_length=32,
        seed=3,
        state=state,
        checkpoint_seconds=600.0,
        on_progress=lambda *state: told.append(state) if told is not None else None,
        on_resume=print,
    )


def test_a_trial_s_scores_are_those_of_runs_that_end_there(task, bert_directory, tmp_path):
    """Looking on changes nothing, and an early end is an end of the same run."""
    trials = tried(bert_directory, task, tmp_path, "paper")
    assert [(trial.recipe.learning_rate, trial.epochs) for trial in trials] == [(1e-3, [1, 2]), (3e-3, [1, 2])]
    assert len({score for trial in trials for score in trial.scores}) > 1
    for trial in trials[1:]:
        for epochs, score in zip((1.0, None), trial.scores, strict=True):
            outcome = finetune(
                *(bert_directory, task, FinetuningOptions("test", recipe=RECIPE), CPU),
                max_length=32,
                seed=3,
                listeners=Listeners(),
                checkpoint=Checkpointing(tmp_path / f"{epochs}.ckpt", 600.0, print),
                choice=ChosenRecipe(trial.recipe, epochs),
            )
            assert outcome.metrics["accuracy"] == score
            assert outcome.updates == (8 if epochs else 16)


def test_on_a_tenth_of_training_the_development_set_is_never_opened(task, bert_directory, tmp_path):
    (tmp_path / "dev.tsv").unlink()
    (trial, _) = tried(bert_directory, task, tmp_path, "train_tenth")
    assert trial.epochs == [1.0, 2.0]
    assert all(score * 6 == pytest.approx(round(score * 6)) for score in trial.scores)  # 6 of 60 examples
    with pytest.raises(ValueError, match="dev.tsv"):
        tried(bert_directory, task, tmp_path / "other", "paper")


def test_trials_that_are_done_are_not_repeated(task, bert_directory, tmp_path):
    told = []
    whole = tried(bert_directory, task, tmp_path, "train_tenth")
    file = tmp_path / "trials.json"
    kept = read_json(file)
    assert len(kept) == 2
    kept[0]["scores"] = [0.25, 0.25]  # as no run would score
    file.write_text(json.dumps(kept[:1]))
    again = tried(bert_directory, task, tmp_path, "train_tenth", told=told)
    assert {trial for trial, *_ in told} == {2}
    assert (again[0].scores, again[1]) == ([0.25, 0.25], whole[1])
    assert not (tmp_path / "last.ckpt").exists()


def trial(*scores):
    return Trial(Recipe(1e-3, 8, len(scores), 0.0), [float(n + 1) for n in range(len(scores))], list(scores))


def test_the_best_score_of_any_epoch_is_chosen_the_first_of_equal_ones():
    choice = chosen([trial(0.1, 0.5), trial(0.2, 0.7, 0.7), trial(0.7)])
    assert (choice.trial, choice.epochs) == (1, 2.0)


def test_a_grid_is_every_combination_once():
    options = FinetuningOptions("x", recipe=RECIPE, recipes={"t": RecipeOptions(batch_size=4)}, grid=GRID)
    assert [(r.learning_rate, r.batch_size, r.num_epochs) for r in options.grid_of("t")] == [(1e-3, 4, 2), (3e-3, 4, 2)]
    grid = GridOptions([1.0, 2.0, 1.0], [5, 6], [3.0, 7.0])
    made = replace(options, grid=grid).grid_of("t")
    assert [(r.learning_rate, r.batch_size, r.num_epochs) for r in made] == [
        (rate, size, epochs) for rate in (1, 2) for size in (5, 6) for epochs in (3, 7)
    ]
    assert len(replace(options, grid=grid, num_epochs=1.0).grid_of("t")) == 4  # finetuning.num_epochs is every recipe's
    assert replace(options, grid=GridOptions()).grid_of("t") == [options.recipe_of("t")]
