"""Questions of one file may differ in the number of their options: what others have changes nothing for a question."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import optimize, sparse
from torch.nn import functional

from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.finetuning import class_head
from nsp_ablation.learning.finetuning.task_batches import TaskBatch, option_slots
from nsp_ablation.learning.finetuning.task_model import TaskModel
from nsp_ablation.learning.tasks import bag_of_words, multiple_choice
from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.task_kind import read_task
from nsp_ablation.options.task_options import TaskOptions

CHOICES = TaskOptions("task", "multiple_choice", metric="accuracy")
WORDS = ("oslo", "rome", "bonn", "ann", "ben")


def question(number: int, num_options: int, label: int = 0) -> ChoiceExample:
    options = tuple(WORDS[(number + n) % 5] for n in range(num_options))
    return ChoiceExample(f"{number}-{num_options}", f"the cat is in {options[label]} .", "where ?", options, label)


@pytest.fixture(scope="module")
def features_of(bert_directory):
    layout, tokenizer = (
        read_layout(bert_directory, 32, "as_pretrained"),
        load_tokenizer(bert_directory).backend_tokenizer,
    )

    def features(examples):
        return layout, multiple_choice.featurize(examples, tokenizer, layout, CHOICES)

    return features


@pytest.fixture(scope="module")
def model(bert_directory):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = FlatEncoder(load_encoder(bert_directory, "fresh"), 0)
        return TaskModel(encoder, class_head.make_head(encoder.hf.config.hidden_size, CHOICES)).train()


def gradients(model, batch) -> list[torch.Tensor]:
    """Return the loss and every gradient, dropout drawn from one seed."""
    model.zero_grad()
    torch.manual_seed(3)
    loss = model.loss(batch)
    loss.backward()
    return [loss.detach(), *(weight.grad.clone() for weight in model.parameters() if weight.grad is not None)]


def test_options_that_only_other_questions_have_change_no_draw_no_loss_and_no_gradient(features_of, model, batch_of):
    own = [question(n, 3, n % 3) for n in range(4)]
    with torch.random.fork_rng(devices=[]):
        found = []
        for others in ([], [question(9, 4, 3)], [question(9, 26, 25), question(8, 2, 1)]):
            layout, features = features_of([*own, *others])
            found.append(gradients(model, batch_of(features, layout, [2, 0, 3, 1])))
    assert len(found[0]) > 30
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_mixed_batch_has_the_mean_loss_of_its_questions_and_their_answers(features_of, model, batch_of):
    examples = [question(0, 4, 3), question(1, 2, 1), question(2, 3, 0), question(3, 26, 17)]
    layout, features = features_of(examples)
    model.eval()
    losses, labels = [], []
    for sample, example in enumerate(examples):
        batch = batch_of(features, layout, [sample])
        assert len(batch.inputs.sequence_offsets) == 1 + len(example.options)
        losses.append(model.loss(batch).detach())
        labels.append(int(model.outputs(batch)["label"]))
    mixed = batch_of(features, layout, range(4))
    assert len(mixed.inputs.sequence_offsets) == 1 + 4 + 2 + 3 + 26
    assert float(model.loss(mixed).detach()) == pytest.approx(float(sum(losses)) / 4, rel=1e-5)
    assert model.outputs(mixed)["label"].tolist() == labels
    model.train()


def test_equal_numbers_give_the_loss_of_a_rectangle(features_of, model, batch_of):
    layout, features = features_of([question(n, 4, n) for n in range(4)])
    batch = batch_of(features, layout, [3, 1, 0, 2])
    model.eval()
    scores = model.head.classes(model._pooled(batch, *model.encoder(batch.inputs, batch.layout))[1]).view(4, 4)
    torch.testing.assert_close(model.loss(batch), functional.cross_entropy(scores, batch.targets["labels"]))
    assert torch.equal(model.outputs(batch)["label"], scores.argmax(dim=1))
    model.train()


def test_an_option_that_a_question_lacks_is_never_chosen_and_has_no_gradient():
    head = class_head.ClassificationHead(2, 1)
    first = torch.tensor([[-5.0, 0], [-6, 0], [9, 0], [8, 0], [7, 0]], requires_grad=True)
    torch.nn.init.ones_(head.classes.weight)
    targets = {"labels": torch.tensor([1, 2])}
    batch = TaskBatch(None, None, targets, {"labels": 2}, option_slots(np.array([2, 3])))
    assert head.outputs(first, first, batch)["label"].tolist() == [0, 0]
    loss = head.loss(first, first, batch)
    loss.backward()
    assert torch.isfinite(first.grad).all()
    by_hand = [np.log(1 + np.exp(1.0)), np.log(np.exp(2.0) + np.exp(1.0) + 1)]
    assert float(loss.detach()) == pytest.approx(np.mean(by_hand), rel=1e-6)


def test_every_sequence_of_a_sample_is_in_its_batch_and_no_other(features_of):
    layout, features = features_of([question(n, count) for n, count in enumerate((3, 4, 2, 26, 3))])
    longest = [np.diff(features.offsets)[a:b].max() for a, b in itertools.pairwise([0, 3, 7, 9, 35, 38])]
    assert features.lengths().tolist() == longest
    assert features.num_tokens.tolist() == [
        np.diff(features.offsets)[a:b].sum() for a, b in itertools.pairwise([0, 3, 7, 9, 35, 38])
    ]

    def rows(samples):
        batch = features.batch(np.array(samples), layout)
        return [row.tolist() for row in np.split(batch["input_ids"], batch["sequence_offsets"][1:-1])]

    assert rows([4, 0, 2]) == [row for sample in (4, 0, 2) for row in rows([sample])]
    assert len(rows([4, 0, 2])) == 3 + 3 + 2


def test_chance_is_the_mean_over_questions_and_majority_the_commonest_letter_that_a_question_has():
    train = [question(n, 5, label) for n, label in enumerate((4, 4, 4, 1, 1, 0))]
    dev = [question(0, 5, 4), question(1, 4, 1), question(2, 2, 1), question(3, 2, 0)]
    baselines = multiple_choice.baselines(train, dev, CHOICES)
    assert baselines.chance == pytest.approx((1 / 5 + 1 / 4 + 1 / 2 + 1 / 2) / 4)
    assert baselines.majority == 3 / 4  # E where there is one, else B
    assert baselines.bag_of_words == 1.0


def test_the_bag_of_words_minimises_the_penalised_cross_entropy_over_each_question_s_own_options():
    counts = np.array([[1.0, 0, 1], [1, 2, 0], [0, 1, 0], [1, 1, 1], [2, 0, 1]])
    labels, num_rows = np.array([1, 0]), np.array([2, 3])

    def loss(weights):
        scores = counts @ weights
        questions = (scores[:2], 1), (scores[2:], 0)
        return sum(np.log(np.exp(own).sum()) - own[label] for own, label in questions) + weights @ weights / 2

    weights = bag_of_words._fit(sparse.csr_matrix(counts), labels, 1, 200, num_rows).ravel()
    assert weights == pytest.approx(optimize.minimize(loss, np.zeros(3)).x, abs=1e-3)


def write(path, *passages):
    path.write_text("\n".join(map(json.dumps, passages)) + "\n")


def test_answers_are_letters_up_to_z_or_the_text_of_one_option(tmp_path, task_of):
    many, few = [f"w{n}" for n in range(26)], ["a", "an", "the"]
    answers = ["Z", "an", "B"]
    write(
        tmp_path / "dev.jsonl",
        {"article": "x", "questions": ["q"] * 3, "options": [many, few, few], "answers": answers},
    )
    examples = read_task(task_of("multiple_choice", tmp_path), "dev")
    assert [example.label for example in examples] == [25, 1, 1]
    outcome = multiple_choice.score(examples, [25, 2, 1], CHOICES)
    assert outcome.predictions == {"line1-0": "Z", "line1-1": "C", "line1-2": "B"}
    assert outcome.scores.tolist() == [1.0, 0.0, 1.0]


def test_rows_of_the_hub_may_differ_too():
    rows = [
        {"example_id": "p", "article": "x", "question": "q", "options": ["a", "b", "c"], "answer": "C"},
        {"example_id": "p", "article": "x", "question": "q", "options": ["a", "b"], "answer": "b"},
        {"example_id": "r", "article": "x", "question": "q", "options": ["a", "b"], "answer": "C"},
    ]
    left_out = LeftOut()
    examples = multiple_choice.read_rows(rows, replace(CHOICES, bad_questions="skip"), left_out)
    assert [(example.id, example.label) for example in examples] == [("p-0", 2), ("p-1", 1)]
    assert left_out.lines() == [
        "bad questions left out: 1 (row r: answer 'C' of question r-0 names none of its 2 options)"
    ]
    with pytest.raises(ValueError, match="tasks.task: 1 bad question: row r: answer 'C'"):
        multiple_choice.read_rows(rows, CHOICES, left_out)


BAD = {
    "a number, from 0 or from 1": (["x", "y"], "1"),
    "a number as a number": (["x", "y"], 1),
    "a number that is an option's text": (["1", "2"], "1"),
    "a letter that no option has": (["x", "y", "z"], "D"),
    "a text that two options have": (["same", "same", "z"], "same"),
    "one option": (["x"], "A"),
    "27 options": ([str(n) for n in range(27)], "A"),
    "an option that is no text": (["x", 5], "A"),
    "no answer": (["x", "y"], None),
}


def test_every_bad_question_is_counted_and_the_first_three_named(tmp_path, task_of):
    options, answers = zip(*BAD.values(), strict=True)
    columns = {"questions": ["q"] * len(BAD), "options": options, "answers": answers}
    good = {"article": "x", "questions": ["q"], "options": [["x", "y"]], "answers": ["B"], "id": "good"}
    write(tmp_path / "train.jsonl", good, {"article": "x", "id": "p"} | columns)
    task = task_of("multiple_choice", tmp_path)
    with pytest.raises(ValueError, match=f"^tasks.task: {len(BAD)} bad questions: ") as error:
        read_task(task, "train")
    message = str(error.value)
    assert all(
        f"train.jsonl: line 2: answer {answer} of question p-{n}" in message for n, answer in enumerate(("'1'", 1))
    )
    assert message.count("question p-") == 3
    assert "and 6 more; an answer is the letter of an option, from A, or the text of one" in message
    assert message.endswith("or leave them out with tasks.task.bad_questions=skip")
    left_out = LeftOut()
    task.bad_questions = "skip"
    assert [example.id for example in read_task(task, "train", left_out)] == ["good-0"]
    assert left_out.lines()[0].startswith("bad questions left out: 9 (")
