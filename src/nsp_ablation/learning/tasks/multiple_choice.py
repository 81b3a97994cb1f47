"""Multiple choice: one sequence per option of a question on an article (RACE; Liu et al. 2019, section 5)."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.foreign_contexts import foreign_contexts
from nsp_ablation.learning.tasks.left_out import LeftOut, Tally, settle_bad_questions
from nsp_ablation.learning.tasks.metrics import accuracy_scores, metric_values
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_files import passage_files, read_json_file, read_json_lines
from nsp_ablation.options.task_options import TaskOptions

_LETTERS = ascii_uppercase
_ANSWERS = "an answer is the letter of an option, from A, or the text of one; "
_LAYOUT = "an object with a text `article` and lists `questions`, `options` and `answers`"


def read_files(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[ChoiceExample]:
    """Read every question of RACE's own files (Lai et al. 2017): of folders of one JSON object per passage, in order of
    number, or of the same objects as the lines of a file. Questions may differ in the number of their options.

    Raises InputError naming the file (and line) where a passage is malformed, and for bad questions (`_question`)
    unless they are left out.
    """
    examples: list[ChoiceExample] = []
    bad = Tally()
    for location, default_id, passage in _passages(paths):
        examples += _questions(location, default_id, passage, bad)
    settle_bad_questions(bad, task, left_out, _ANSWERS)
    return examples


def read_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> list[ChoiceExample]:
    """Read rows in the columns of ehovy/race; questions of one passage are numbered. Raises as `read_files`."""
    numbers: Counter[str] = Counter()
    examples: list[ChoiceExample] = []
    bad = Tally()
    for row in rows:
        name = row["example_id"]
        columns = row["article"], row["question"], row["options"], row["answer"]
        examples += _question(f"row {name}", f"{name}-{numbers[name]}", *columns, bad)
        numbers[name] += 1
    settle_bad_questions(bad, task, left_out, _ANSWERS)
    return examples


def _passages(paths: list[Path]) -> Iterator[tuple[str, str, Any]]:
    """Yield where a passage stands, its id where it has none, and its JSON value. Lines count on from file to file."""
    num_lines = 0
    for path in paths:
        if path.is_dir():
            for file in passage_files(path):
                yield f"{file}", f"{file.parent.name}/{file.name}", read_json_file(file)
        else:
            number = 0
            for number, passage in read_json_lines(path):
                yield f"{path}: line {number}", f"line{num_lines + number}", passage
            num_lines += number


def _questions(location: str, default_id: str, passage: Any, bad: Tally) -> list[ChoiceExample]:
    """Return the questions of a passage that are not bad. Raises InputError for another layout than RACE's."""
    given = passage if isinstance(passage, dict) else {}
    article, questions, options, answers = (given.get(key) for key in ("article", "questions", "options", "answers"))
    columns: list[list[Any]] = [column for column in (questions, options, answers) if isinstance(column, list)]
    if not isinstance(article, str) or len(columns) != 3:
        raise InputError(f"{location} is not in RACE's layout, {_LAYOUT}: {json.dumps(passage):.60}")
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise InputError(f"{location}: questions, options and answers differ in number {lengths}; mend the passage")
    name, examples = given.get("id", default_id), []
    for number, (question, texts, answer) in enumerate(zip(*columns, strict=True)):
        examples += _question(location, f"{name}-{number}", article, question, texts, answer, bad)
    return examples


def _question(
    location: str, id: str, article: str, question: Any, options: Any, answer: Any, bad: Tally
) -> list[ChoiceExample]:
    """Return one example, or none, counted in `bad`: where the question has not 2 to 26 options of text, or its answer
    is neither a letter that names one nor the text of one alone. A number is no answer: some count from 0, some from 1.
    """
    texts = options if isinstance(options, list) else []
    if not 2 <= len(texts) <= len(_LETTERS) or not all(isinstance(text, str) for text in (question, *texts)):
        bad.add(f"{location}: question {id} is not a text with 2 to {len(_LETTERS)} options of text")
        return []
    label = _label(texts, answer)
    if label is None:
        bad.add(f"{location}: answer {answer!r:.40} of question {id} names none of its {len(texts)} options")
        return []
    return [ChoiceExample(id, article, question, tuple(texts), label)]


def _label(options: list[str], answer: Any) -> int | None:
    """Return the number of the option that an answer names, None if it names none or several."""
    if not isinstance(answer, str):
        return None
    if len(answer) == 1 and answer in _LETTERS[: len(options)]:
        return _LETTERS.index(answer)
    is_text_of_one = options.count(answer) == 1 and not answer.strip().isdecimal()
    return options.index(answer) if is_text_of_one else None


def featurize(examples: list[ChoiceExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample per example, with a sequence [CLS] article [SEP] question option [SEP] for each of its options;
    target: labels (N,).

    Question and option are cut to `max_choice_tokens`, at most T / 4 (fidelity row 24), from the front, so that options
    stay told apart (the paper does not say which end); the article loses its end.
    """
    num_options = np.array([len(example.options) for example in examples], dtype=np.int64)
    limit = min(task.max_choice_tokens, max(1, layout.max_length // 4))
    articles = encode(tokenizer, [example.article for example in examples])
    choices = [filled(example.question, option) for example in examples for option in example.options]
    seconds = [ids[-limit:] for ids in encode(tokenizer, choices)]
    example_of = np.repeat(np.arange(len(examples)), num_options)
    firsts = [articles[n][: layout.pair_capacity - len(ids)] for n, ids in zip(example_of, seconds, strict=True)]
    ids, offsets, second = lay_out(firsts, seconds, layout)
    labels = np.array([example.label for example in examples], dtype=np.int64)
    targets, example = {"labels": labels}, np.arange(len(examples))
    return Features(ids, offsets, second, targets, example, num_options=num_options)


def filled(question: str, option: str) -> str:
    """Return the question with the option in its blank ("_"), or followed by it (fairseq's RACE preprocessing)."""
    return question.replace("_", option, 1) if "_" in question else f"{question} {option}"


def score(examples: list[ChoiceExample], predictions: list[int], task: TaskOptions) -> Outcome:
    """Score the numbers of chosen options by accuracy; predictions are kept as letters, as in RACE's files.

    Questions on one article are a cluster, named by the text's fingerprint.
    """
    scores = accuracy_scores(np.array(predictions), np.array([example.label for example in examples]))
    by_id = {example.id: _LETTERS[label] for example, label in zip(examples, predictions, strict=True)}
    clusters, items = [fingerprint(example.article) for example in examples], {"accuracy": scores}
    return Outcome(scores, list(by_id), by_id, metric_values(items, items), clusters, items)


def contexts(examples: list[ChoiceExample]) -> list[str]:
    """Return the different articles."""
    return list(dict.fromkeys(example.article for example in examples))


def groups(examples: list[ChoiceExample]) -> list[str]:
    """Return the article of each question."""
    return [example.article for example in examples]


def with_foreign_contexts(examples: list[ChoiceExample]) -> list[ChoiceExample] | None:
    """Return the questions on other passages, to which their options do not belong; see `foreign_contexts.py`."""
    articles = [example.article for example in examples]
    exchanged = foreign_contexts(articles, articles)
    if exchanged is None:
        return None
    return [replace(example, article=text) for example, text in zip(examples, exchanged, strict=True)]


def baselines(train: list[ChoiceExample], dev: list[ChoiceExample], task: TaskOptions) -> Baselines:
    """Return the mean of one in each question's number of options, the commonest letter of training among those that a
    question has, and a linear score over word counts."""
    chance = sum(1 / len(example.options) for example in dev) / len(dev)
    letters = [label for label, _ in Counter(example.label for example in train).most_common()]
    guesses = [next((label for label in letters if label < len(example.options)), 0) for example in dev]
    majority = sum(guess == example.label for guess, example in zip(guesses, dev, strict=True)) / len(dev)
    return Baselines(chance, majority, bag_of_words.choice_accuracy(train, dev, task.baseline_iterations))
