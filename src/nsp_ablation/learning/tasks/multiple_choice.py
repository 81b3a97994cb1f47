"""Multiple choice: one sequence per option of a question on an article (RACE; Liu et al. 2019, section 5)."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.metrics import accuracy_scores
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.race_files import LETTERS, choice_example, read_race
from nsp_ablation.learning.tasks.task_kind import majority_accuracy
from nsp_ablation.options.task_options import TaskOptions


def read_file(path: Path, task: TaskOptions) -> list[ChoiceExample]:
    """Read a folder of RACE, or its passages as JSON lines; see `read_race`."""
    return read_race(path)


def read_rows(rows: Any, task: TaskOptions) -> list[ChoiceExample]:
    """Read rows in the columns of ehovy/race; questions of one passage are numbered."""
    questions: Counter[str] = Counter()
    examples = []
    for row in rows:
        name = row["example_id"]
        id = f"{name}-{questions[name]}"
        questions[name] += 1
        columns = row["article"], row["question"], row["options"], row["answer"]
        examples.append(choice_example(f"tasks.{task.name}", id, *columns))
    return examples


def featurize(examples: list[ChoiceExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample of C sequences per example, [CLS] article [SEP] question option [SEP]; target: labels (N,).

    Question and option are cut to `max_choice_tokens`, at most T / 4 (fidelity row 24), from the front, so that options
    stay told apart (the paper does not say which end); the article loses its end. Raises ValueError if examples differ
    in C.
    """
    num_options = len(examples[0].options)
    odd = next((example.id for example in examples if len(example.options) != num_options), None)
    if odd is not None:
        raise ValueError(f"question {odd} has another number of options than the {num_options} of the first one")
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
    by_id = {example.id: LETTERS[label] for example, label in zip(examples, predictions, strict=True)}
    return Outcome(scores, list(by_id), by_id, {"accuracy": float(scores.mean())})


def baselines(train: list[ChoiceExample], dev: list[ChoiceExample], task: TaskOptions) -> Baselines:
    """Return one in the number of options, the commonest option of training, and a linear score over word counts."""
    words = bag_of_words.choice_accuracy(train, dev, task.baseline_iterations)
    return Baselines(1 / len(dev[0].options), majority_accuracy(train, dev), words)
