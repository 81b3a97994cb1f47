"""Multiple choice: one sequence per option of a question on an article (RACE; Liu et al. 2019, section 5)."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.metrics import accuracy_scores
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_files import read_json_file, read_json_lines
from nsp_ablation.learning.tasks.task_kind import majority_accuracy
from nsp_ablation.options.task_options import TaskOptions

_LETTERS = "ABCDEFGHIJ"


def read_file(path: Path, task: TaskOptions) -> list[ChoiceExample]:
    """Read every question of RACE's own files (Lai et al. 2017): of `path/{middle,high}/*.txt`, folders of one JSON a
    passage, in order of number, or of the same objects as the lines of a file.

    Raises InputError naming the file (and line) where a passage is malformed or nothing is found.
    """
    examples: list[ChoiceExample] = []
    if path.is_dir():
        files = sorted(path.rglob("*.txt"), key=lambda file: (str(file.parent), _natural(file.name)))
        for file in files:
            examples += _passage(f"{file}", f"{file.parent.name}/{file.name}", read_json_file(file))
        return examples
    for number, passage in read_json_lines(path):
        examples += _passage(f"{path}: line {number}", f"line{number}", passage)
    return examples


def read_rows(rows: Any, task: TaskOptions) -> list[ChoiceExample]:
    """Read rows in the columns of ehovy/race; questions of one passage are numbered."""
    questions: Counter[str] = Counter()
    examples = []
    for row in rows:
        name = row["example_id"]
        id = f"{name}-{questions[name]}"
        questions[name] += 1
        columns = row["article"], row["question"], row["options"], row["answer"]
        examples.append(_choice_example(f"tasks.{task.name}", id, *columns))
    return examples


def _choice_example(
    location: str, id: str, article: str, question: str, options: list[str], answer: str
) -> ChoiceExample:
    """Check one question. Raises InputError naming `location` for an answer that names no option."""
    label = _LETTERS.find(answer) if len(answer) == 1 else -1
    if not 0 <= label < len(options):
        raise InputError(f"{location}: answer {answer!r} of question {id} names none of its {len(options)} options")
    return ChoiceExample(id, article, question, tuple(options), label)


def _passage(location: str, default_id: str, passage: Any) -> list[ChoiceExample]:
    try:
        columns = [passage["questions"], passage["options"], passage["answers"]]
        name = str(passage.get("id", default_id))
        return [
            _choice_example(location, f"{name}-{number}", passage["article"], question, options, answer)
            for number, (question, options, answer) in enumerate(zip(*columns, strict=True))
        ]
    except (KeyError, TypeError, AttributeError) as error:
        layout = "article, questions, options, answers"
        raise InputError(f"{location} is not in RACE's layout ({layout}): {error!r}") from error
    except ValueError as error:
        if "zip" not in str(error):
            raise
        raise InputError(f"{location}: questions, options and answers differ in number") from error


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def featurize(examples: list[ChoiceExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample of C sequences per example, [CLS] article [SEP] question option [SEP]; target: labels (N,).

    Question and option are cut to `max_choice_tokens`, at most T / 4 (fidelity row 24), from the front, so that options
    stay told apart (the paper does not say which end); the article loses its end. Raises InputError if examples differ
    in C.
    """
    num_options = len(examples[0].options)
    odd = next((example.id for example in examples if len(example.options) != num_options), None)
    if odd is not None:
        raise InputError(f"question {odd} has another number of options than the {num_options} of the first one")
    limit = min(task.max_choice_tokens, max(1, layout.max_length // 4))
    articles = encode(tokenizer, [example.article for example in examples])
    choices = [filled(example.question, option) for example in examples for option in example.options]
    seconds = [ids[-limit:] for ids in encode(tokenizer, choices)]
    firsts = [articles[row // num_options][: layout.pair_capacity - len(ids)] for row, ids in enumerate(seconds)]
    ids, offsets, second = lay_out(firsts, seconds, layout)
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Features(ids, offsets, second, num_options, {"labels": labels}, np.arange(len(examples)))


def filled(question: str, option: str) -> str:
    """Return the question with the option in its blank ("_"), or followed by it (fairseq's RACE preprocessing)."""
    return question.replace("_", option, 1) if "_" in question else f"{question} {option}"


def score(examples: list[ChoiceExample], predictions: list[int], task: TaskOptions) -> Outcome:
    """Score the numbers of chosen options by accuracy; predictions are kept as letters, as in RACE's files."""
    scores = accuracy_scores(np.array(predictions), np.array([example.label for example in examples]))
    by_id = {example.id: _LETTERS[label] for example, label in zip(examples, predictions, strict=True)}
    return Outcome(scores, list(by_id), by_id, {"accuracy": float(scores.mean())})


def baselines(train: list[ChoiceExample], dev: list[ChoiceExample], task: TaskOptions) -> Baselines:
    """Return one in the number of options, the commonest option of training, and a linear score over word counts."""
    words = bag_of_words.choice_accuracy(train, dev, task.baseline_iterations)
    return Baselines(1 / len(dev[0].options), majority_accuracy(train, dev), words)
