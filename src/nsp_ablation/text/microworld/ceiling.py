"""The type-only ceiling of each task, counted on its development file.

A type-only reader knows which kind of word a question or statement is about and sees which kinds and words the
passage holds, but cannot tell whose they are or whether two words are equal. It guesses evenly among what it cannot
tell apart. Scores far above its ceiling need values or persons to be compared.
"""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json
from nsp_ablation.text.microworld.people import QUESTIONS
from nsp_ablation.text.microworld.world import FACT_OF_SLOT, SLOT_OF


def type_only_ceiling(task: str, dev_file: Path) -> float | None:
    """Return the expected score (a fraction) of a type-only reader on a micro-world file; None where types do not help.

    `task` is squad1, squad2 (F1), mnli or race (accuracy); any other task has none.
    """
    if task in ("squad1", "squad2"):
        paragraphs = [paragraph for article in read_json(dev_file)["data"] for paragraph in article["paragraphs"]]
        scores = [_span_score(paragraph["context"], asked) for paragraph in paragraphs for asked in paragraph["qas"]]
        return sum(scores) / len(scores)
    if task == "mnli":
        with open(dev_file, encoding="utf-8", newline="") as file:
            return _inference_ceiling(list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)))
    if task == "race":
        scores = [_choice_score(json.loads(line)) for line in dev_file.read_text(encoding="utf-8").splitlines()]
        return sum(scores) / len(scores)
    return None


def _span_score(context: str, question: dict[str, Any]) -> float:
    slot = next(slot for slot, template in QUESTIONS.items() if _matches(template, question["question"]))
    candidates = [word for word in _words(context) if SLOT_OF.get(word) == slot]
    if question.get("is_impossible", False):
        return 0.0 if candidates else 1.0
    return 1 / len(set(candidates))


def _inference_ceiling(rows: list[dict[str, str]]) -> float:
    """A statement whose kind the premise lacks is neutral; of the others, every one gets their commonest label."""
    labels: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        labels[_kinds(row["sentence2"]) <= _kinds(row["sentence1"])].append(row["gold_label"])
    return (labels[False].count("neutral") + max(Counter(labels[True]).values())) / len(rows)


def _choice_score(row: dict[str, Any]) -> float:
    told = [_kinds(option) <= _kinds(row["article"]) for option in row["options"][0]]
    return told["ABCD".index(row["answers"][0])] / sum(told)


def _kinds(text: str) -> set[str]:
    return {FACT_OF_SLOT[SLOT_OF[word]] for word in _words(text) if word in SLOT_OF}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _matches(template: str, question: str) -> bool:
    return re.fullmatch(re.escape(template).replace(r"\{P\}", r"\w+"), question) is not None
