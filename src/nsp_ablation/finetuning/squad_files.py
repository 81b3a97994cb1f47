"""SQuAD's own JSON files, v1.1 and v2.0 (Rajpurkar et al. 2016, 2018)."""

import json
from pathlib import Path
from typing import Any

from nsp_ablation.finetuning.examples import SpanExample


def read_json_file(path: Path) -> Any:
    """Read a task's JSON file (UTF-8). Raises ValueError naming file and line where it is missing or malformed."""
    if not path.is_file():
        raise ValueError(f"task file {path} does not exist; check tasks.<name>.path and the file name")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: line {error.lineno} is not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start})") from error


def read_squad(path: Path, unanswerable: bool) -> list[SpanExample]:
    """Read every question with all its reference answers, in file order.

    Raises ValueError for a file in another layout, an answer that does not stand at its offset, and a question without
    answers unless `unanswerable` (SQuAD 2.0).
    """
    content = read_json_file(path)
    examples: list[SpanExample] = []
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    answers = [] if question.get("is_impossible", False) else question["answers"]
                    pairs = tuple((answer["text"], answer["answer_start"]) for answer in answers)
                    examples.append(
                        span_example(
                            path, str(question["id"]), question["question"], paragraph["context"], pairs, unanswerable
                        )
                    )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not in SQuAD's layout (data, paragraphs, qas, answers): {error!r}") from error
    return examples


def span_example(
    source: Path | str, id: str, question: str, context: str, answers: tuple[tuple[str, int], ...], unanswerable: bool
) -> SpanExample:
    """Check one question. Raises ValueError naming `source` and question; see `read_squad`."""
    if not answers and not unanswerable:
        raise ValueError(f"{source}: question {id} has no answer; set unanswerable=true for a SQuAD 2.0 file")
    for text, start in answers:
        if not text.strip() or context[start : start + len(text)] != text:
            found = context[start : start + len(text)]
            raise ValueError(f"{source}: question {id} has answer {text!r} at {start}, but {found!r} stands there")
    return SpanExample(id, question, context, answers)
