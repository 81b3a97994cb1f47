"""SQuAD's layout, v1.1 and v2.0, as its publishers and others write it, question by question."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.task_files import read_json_file

_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]+)(\.0*)?\s*")
_MAX_SHOWN = 40  # characters of a text of theirs in an error


@dataclass(frozen=True)
class SpanQuestion:
    """A question as it stands in its source; `answers` are pairs (text, offset) of any type, `article` the title of
    its article, empty where there is none."""

    source: str
    id: str
    question: str
    context: str
    answers: tuple[tuple[Any, Any], ...]
    article: str

    def fault(self, unanswerable: bool) -> str | None:
        """Return what is wrong with the question, None if nothing is.

        Every answer must stand at its offset, which may be written as text or as a whole float; nothing is looked for
        elsewhere. A question without answers is right where some are unanswerable.
        """
        if not self.answers and not unanswerable:
            return "has no answer"
        for text, offset in self.answers:
            if not isinstance(text, str) or not text.strip():
                return f"has an answer without text ({_shown(text)})"
            start = _whole(offset)
            if start is None:
                return f"has answer {_shown(text)} at {_shown(offset)}, which is no whole number"
            found = self.context[start : start + len(text)] if start >= 0 else ""
            if found != text:
                there = f"{_shown(found)} stands there" if found else f"the context has {len(self.context)} characters"
                return f"has answer {_shown(text)} at {start}, but {there}"
        return None

    def example(self) -> SpanExample:
        """Return a question without fault as an example."""
        answers = []
        for text, offset in self.answers:
            start = _whole(offset)
            assert start is not None, self
            answers.append((text, start))
        return SpanExample(self.id, self.question, self.context, tuple(answers), self.article)


def file_questions(path: Path) -> Iterator[SpanQuestion]:
    """Yield every question of a SQuAD JSON file, in order; an impossible one has no answers, plausible ones aside.

    Raises InputError naming the file, and where in it a part is missing or of another type.
    """
    content = read_json_file(path)
    for n, article in enumerate(_part(path, "", content, "data", list)):
        article_at, title = f"data[{n}]", _title(article)
        for m, paragraph in enumerate(_part(path, article_at, article, "paragraphs", list)):
            at = f"{article_at}.paragraphs[{m}]"
            context = _part(path, at, paragraph, "context", str)
            for k, question in enumerate(_part(path, at, paragraph, "qas", list)):
                yield _question(path, f"{at}.qas[{k}]", title, context, question)


def row_question(row: dict[str, Any], source: str) -> SpanQuestion:
    """Return a row of rajpurkar/squad or rajpurkar/squad_v2. Raises KeyError for a missing column."""
    answers = row["answers"] or {"text": [], "answer_start": []}
    pairs = tuple(zip_longest(answers["text"], answers["answer_start"]))
    return SpanQuestion(source, str(row["id"]), row["question"], row["context"], pairs, _title(row))


def _title(article: Any) -> str:
    """Return the title of an article, or that a row names; empty where it has none: not all publishers give one."""
    title = article.get("title") if isinstance(article, dict) else None
    return title.strip() if isinstance(title, str) else ""


def _question(path: Path, at: str, article: str, context: str, question: Any) -> SpanQuestion:
    text, id = (_part(path, at, question, key, kind) for key, kind in (("question", str), ("id", str | int)))
    is_impossible = question.get("is_impossible") or False
    if not isinstance(is_impossible, bool):
        raise InputError(f"{path}: {at}.is_impossible is {_shown(is_impossible)}, neither true nor false; mend it")
    # a question of SQuAD 2.0 that is impossible may lack the key
    answers = [] if is_impossible else _part(path, at, {"answers": None} | question, "answers", list | None) or []
    pairs = [
        (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (answer, None)
        for answer in answers
    ]
    return SpanQuestion(str(path), str(id), text, context, tuple(pairs), article)


def _part(path: Path, at: str, value: Any, key: str, kind: Any) -> Any:
    """Return `value[key]`. Raises InputError saying where in the file it is missing or not of the kind."""
    name = f"{at}.{key}".lstrip(".")
    if not isinstance(value, dict) or not isinstance(value.get(key), kind) or isinstance(value[key], bool):
        found = _shown(value.get(key)) if isinstance(value, dict) and key in value else "missing"
        raise InputError(
            f"{path} is not in SQuAD's layout: {name} is {found}; a file holds data, a list of articles with "
            "paragraphs of a context and qas, each with id, question and answers"
        )
    return value[key]


def _whole(offset: Any) -> int | None:
    """Return an offset that is a whole number, a float without a fraction or the text of either; else None."""
    if isinstance(offset, bool) or not isinstance(offset, int | float | str):
        return None
    number = _WHOLE_NUMBER.fullmatch(str(offset))
    return int(number[1]) if number else None


def _shown(value: Any) -> str:
    """Return a value in one short line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
