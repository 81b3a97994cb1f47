"""RACE's own files (Lai et al. 2017): folders of one JSON a passage, or the same objects as JSON lines."""

import re
from pathlib import Path
from typing import Any

from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.json_files import read_json_file, read_json_lines

LETTERS = "ABCDEFGHIJ"


def read_race(path: Path) -> list[ChoiceExample]:
    """Read every question: of `path/{middle,high}/*.txt` in order of number, or of the lines of a file.

    Raises ValueError naming the file (and line) where a passage is malformed or nothing is found.
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


def choice_example(
    location: str, id: str, article: str, question: str, options: list[str], answer: str
) -> ChoiceExample:
    """Check one question. Raises ValueError naming `location` for an answer that names no option."""
    label = LETTERS.find(answer) if len(answer) == 1 else -1
    if not 0 <= label < len(options):
        raise ValueError(f"{location}: answer {answer!r} of question {id} names none of its {len(options)} options")
    return ChoiceExample(id, article, question, tuple(options), label)


def _passage(location: str, default_id: str, passage: Any) -> list[ChoiceExample]:
    try:
        columns = [passage["questions"], passage["options"], passage["answers"]]
        name = str(passage.get("id", default_id))
        return [
            choice_example(location, f"{name}-{number}", passage["article"], question, options, answer)
            for number, (question, options, answer) in enumerate(zip(*columns, strict=True))
        ]
    except (KeyError, TypeError, AttributeError) as error:
        layout = "article, questions, options, answers"
        raise ValueError(f"{location} is not in RACE's layout ({layout}): {error!r}") from error
    except ValueError as error:
        if "zip" not in str(error):
            raise
        raise ValueError(f"{location}: questions, options and answers differ in number") from error


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
