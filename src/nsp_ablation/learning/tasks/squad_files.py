"""SQuAD's own JSON files, v1.1 and v2.0 (Rajpurkar et al. 2016, 2018)."""

from pathlib import Path

from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.json_files import read_json_file


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
