"""Fine-tuning end to end on tiny encoders: each kind learns a rule, repeats bit by bit, and leaves torch as it was."""

import json
import random
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger

from nsp_ablation.base.interrupts import Stopped
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, Listeners, finetune, num_updates
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.options.finetuning_options import FinetuningOptions, RecipeOptions
from nsp_ablation.options.trainer_options import TrainerOptions

NAMES, TOWNS, COLOURS = ("ann", "ben", "carl"), ("oslo", "rome", "bonn"), ("red", "blue")


def run(directory, task, seed=1, max_length=32, logger=None, on_progress=None, checkpoint=None, choice=None, **changed):
    """Fine-tune with these changes to the recipe or to what all tasks share; progress is told after every update."""
    recipe = RecipeOptions(learning_rate=3e-3, batch_size=8, num_epochs=1, weight_decay=0.01)
    recipe = replace(recipe, **{key: changed.pop(key) for key in vars(recipe) if key in changed})
    options = replace(FinetuningOptions("test", recipe=recipe, warmup_ratio=0.1, gradient_clip=1.0), **changed)
    with tempfile.TemporaryDirectory() as folder:
        return finetune(
            *(directory, task, options, TrainerOptions("cpu")),
            max_length=max_length,
            seed=seed,
            listeners=Listeners(on_progress, logger=logger),
            choice=choice,
            checkpoint=checkpoint or Checkpointing(Path(folder) / "last.ckpt", 600.0, print),
        )


@pytest.fixture
def sentiment(tmp_path, task_of):
    draw = random.Random(0)
    for split, number in (("train", 120), ("dev", 40)):
        rows = []
        for word in draw.choices(("good", "bad"), k=number):
            subject = " ".join(draw.choices((*NAMES, *COLOURS), k=draw.randrange(1, 9)))
            rows.append((f"{word} is the {subject}", str(int(word == "good"))))
        (tmp_path / f"{split}.tsv").write_text("sentence\tlabel\n" + "".join(f"{a}\t{b}\n" for a, b in rows))
    columns = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}
    return task_of("classification", tmp_path, "train.tsv", "dev.tsv", **columns)


@pytest.fixture
def choices(tmp_path, task_of):
    draw = random.Random(0)
    for split, number in (("train", 120), ("dev", 40)):
        lines = []
        for n in range(number):
            options = draw.sample([*NAMES, "yes"], 4)
            if n % 3 == 0:  # three options beside questions of four
                options.remove(next(option for option in options if option != "yes"))
            passage = {"id": f"{n}", "article": "the dog is red .", "questions": ["_ lives ?"]}
            lines.append(json.dumps(passage | {"options": [options], "answers": ["ABCD"[options.index("yes")]]}))
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    return task_of("multiple_choice", tmp_path)


@pytest.fixture
def spans(tmp_path, task_of):
    """The answer is the town; with `unanswerable`, half of the contexts have none."""

    def make(unanswerable: bool):
        draw = random.Random(0)
        for split, number in (("train", 160), ("dev", 40)):
            paragraphs = []
            for n in range(number):
                town = None if unanswerable and n % 2 else draw.choice(TOWNS)
                words = [*draw.sample(NAMES, 2), *draw.sample(COLOURS, 2), *([town] if town else ["dog"]), "is"]
                draw.shuffle(words)
                context = " ".join([*words, "."])
                answers = [{"text": town, "answer_start": context.index(town)}] if town else []
                qa = {"id": str(n), "question": "where ?", "answers": answers, "is_impossible": town is None}
                paragraphs.append({"context": context, "qas": [qa]})
            (tmp_path / f"{split}.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
        return task_of("span_qa", tmp_path, "train.json", "dev.json", unanswerable=unanswerable)

    return make


def test_classification_learns_a_word(sentiment, bert_directory):
    losses = []
    outcome = run(bert_directory, sentiment, num_epochs=4, on_progress=lambda *state: losses.append(state))
    assert outcome.metrics["accuracy"] == 1.0
    assert outcome.scores.tolist() == [1.0] * 40
    assert outcome.example_ids == [str(n) for n in range(40)]
    assert set(outcome.predictions.values()) == {"0", "1"}
    assert outcome.updates == 60
    assert [(step, steps) for step, steps, _ in losses] == [(step, 60) for step in range(1, 61)]
    assert losses[-1][2] < 0.1


def test_regression_learns_how_often_a_word_stands_there(tmp_path, task_of, bert_directory):
    draw = random.Random(0)
    for split, number in (("train", 160), ("dev", 40)):
        rows = []
        for _ in range(number):
            count = draw.randrange(5)
            rows.append(f"{' '.join(draw.sample(['good'] * count + ['red'] * (5 - count), 5))}\tthe dog\t{count}.0")
        (tmp_path / f"{split}.tsv").write_text("\n".join(["a\tb\tscore", *rows]))
    columns = {"text_columns": ["a", "b"], "label_column": "score", "max_label": 4.0}
    task = task_of("regression", tmp_path, "train.tsv", "dev.tsv", **columns)
    losses = []
    outcome = run(bert_directory, task, num_epochs=6, on_progress=lambda *state: losses.append(state[2]))
    assert outcome.metrics["spearman"] > 0.9
    assert outcome.metrics["pearson"] > 0.9
    told = np.array([outcome.predictions[id] for id in outcome.example_ids])
    assert np.abs(told - outcome.items["label"]).mean() < 0.7  # on the labels' scale
    assert losses[-1] < 0.05  # of shares of 4, squared


def test_multiple_choice_learns_an_option(choices, roberta_directory):
    outcome = run(roberta_directory, choices, num_epochs=6, max_length=64, learning_rate=5e-3)
    assert outcome.metrics["accuracy"] > 0.9
    assert set(outcome.predictions.values()) <= set("ABCD")


def test_span_qa_learns_a_kind_of_word(spans, bert_directory):
    outcome = run(bert_directory, spans(False), num_epochs=5)
    assert outcome.metrics["f1"] > 0.9
    assert set(outcome.metrics) == {"f1", "exact_match", "foreign_contexts"}
    # a town of another context is the right one now and then
    assert 0.1 < outcome.metrics["foreign_contexts"] < 0.6
    assert outcome.items["foreign_contexts"].mean() == outcome.metrics["foreign_contexts"]


def test_span_qa_learns_when_there_is_no_answer(spans, bert_directory):
    outcome = run(bert_directory, spans(True), num_epochs=8)
    assert outcome.metrics["no_answer_f1"] > 0.9
    assert outcome.metrics["has_answer_f1"] > 0.9
    assert outcome.metrics["best_f1"] >= outcome.metrics["f1"]
    assert 0 < outcome.metrics["best_f1_thresh"] < 1
    assert [prediction == "" for prediction in outcome.predictions.values()][:4] == [False, True, False, True]


def test_a_seed_repeats_bit_by_bit_and_leaves_torch_as_it_was(spans, bert_directory):
    task = spans(True)
    before = torch.get_rng_state()
    losses = []
    for seed in (1, 1, 2):
        losses.append([])
        run(bert_directory, task, seed, on_progress=lambda *state: losses[-1].append(state[2]))
        torch.rand(3)
    torch.set_rng_state(before)
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
    assert len(losses[0]) == 20
    run(bert_directory, task, max_steps=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("pooler", ["fresh", "pretrained"])
def test_both_poolers_train(sentiment, bert_directory, pooler):
    assert run(bert_directory, sentiment, num_epochs=4, pooler=pooler).metrics["accuracy"] > 0.9


def test_every_architecture_is_fine_tuned(sentiment, roberta_directory, prelayernorm_directory):
    for directory in (roberta_directory, prelayernorm_directory):
        outcome = run(directory, sentiment, max_steps=2, max_length=64)
        assert outcome.updates == 2
        assert np.isin(outcome.scores, [0.0, 1.0]).all()


def test_max_steps_replaces_epochs_and_every_loss_is_logged(sentiment, bert_directory, tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    outcome = run(bert_directory, sentiment, max_steps=3, num_epochs=9, logger=logger)
    assert outcome.updates == 3
    baselines = task_kind(sentiment).baselines(read_task(sentiment, "train"), read_task(sentiment, "dev"), sentiment)
    assert (baselines.chance, baselines.bag_of_words) == (0.5, 1.0)
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows[0] == "finetuning/task/loss,step,tokens"
    assert len(rows) == 4


def test_a_loss_that_is_not_finite_is_an_error(sentiment, bert_directory):
    with pytest.raises(ValueError, match="finetuning/task: the loss is .*lower the learning rate"):
        run(bert_directory, sentiment, learning_rate=1e30, gradient_clip=0.0, warmup_ratio=0.0, max_steps=3)


def test_gradients_are_clipped(sentiment, bert_directory):
    def last_loss(gradient_clip):
        losses = []
        settings = {"gradient_clip": gradient_clip, "on_progress": lambda *state: losses.append(state[2])}
        run(bert_directory, sentiment, num_epochs=4, weight_decay=0.0, **settings)
        return losses[-1]

    assert last_loss(0.0) < 0.3
    assert last_loss(1e-12) > 0.4  # far below AdamW's epsilon: nothing moves


def test_fine_tuning_is_silent(sentiment, bert_directory, capfd):
    run(bert_directory, sentiment, max_steps=1)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_the_optimizers_settings_change_what_is_learnt(sentiment, bert_directory):
    def losses(**changed):
        found = []
        run(bert_directory, sentiment, max_steps=6, on_progress=lambda *state: found.append(state[2]), **changed)
        return found

    before = losses()
    for change in ({"beta1": 0.5}, {"beta2": 0.9}, {"epsilon": 1e-2}, {"length_window_batches": 1}):
        assert losses(**change) != before, change


def test_updates_of_epochs():
    assert num_updates(100, 16, 3) == 21
    assert num_updates(100, 16, 0.5) == 4
    assert num_updates(1, 16, 0.1) == 1
    with pytest.raises(ValueError, match="must be above 0"):
        num_updates(100, 16, 0)


def test_a_stopped_run_goes_on_and_ends_bit_by_bit_alike(sentiment, bert_directory, tmp_path):
    def checkpoint(name, seconds):
        return Checkpointing(tmp_path / name / "last.ckpt", seconds, resumed.append)

    def stop_at(step, max_steps, loss):
        if step == 7:
            signal.raise_signal(signal.SIGTERM)

    settings = {"num_epochs": 2, "gradient_clip": 0.1}
    losses, resumed = [], []
    whole = run(bert_directory, sentiment, on_progress=lambda *state: losses.append(state), **settings)
    with pytest.raises(Stopped, match="stopped by SIGTERM at update 8"):
        run(bert_directory, sentiment, on_progress=stop_at, checkpoint=checkpoint("a", 600.0), **settings)
    again = []
    show = {"on_progress": lambda *state: again.append(state)}
    outcome = run(bert_directory, sentiment, checkpoint=checkpoint("a", 600.0), **show, **settings)
    assert resumed == [8]
    assert again == losses[8:]
    assert (outcome.scores.tolist(), outcome.predictions) == (whole.scores.tolist(), whole.predictions)


def test_a_fine_tuning_saves_now_and_then(sentiment, bert_directory, tmp_path):
    path = tmp_path / "run" / "last.ckpt"
    run(bert_directory, sentiment, max_steps=3, checkpoint=Checkpointing(path, 600.0, print))
    assert not path.exists()
    run(bert_directory, sentiment, max_steps=3, checkpoint=Checkpointing(path, 0.0, print))
    assert torch.load(path, weights_only=True)["global_step"] == 3
