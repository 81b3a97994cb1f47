"""Span question answering: SQuAD 1.1, and SQuAD 2.0, where a question may have no answer."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import span_baselines
from nsp_ablation.learning.tasks.examples import SpanAnswer, SpanExample
from nsp_ablation.learning.tasks.features import IGNORED_LABEL, Features, encode, encode_with_offsets, lay_out
from nsp_ablation.learning.tasks.foreign_contexts import foreign_contexts
from nsp_ablation.learning.tasks.left_out import LeftOut, Tally, settle_bad_questions
from nsp_ablation.learning.tasks.metrics import metric_values
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.span_scores import (
    THRESHOLD_METRICS,
    passage_clusters,
    span_items,
    span_scores,
    threshold_items,
)
from nsp_ablation.learning.tasks.squad_layout import SpanQuestion, file_questions, row_question
from nsp_ablation.options.task_options import TaskOptions

_TARGETS = (
    *("start_positions", "end_positions", "is_answerable"),
    *("context_start", "context_end", "start_low", "start_high"),
)


def read_files(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[SpanExample]:
    """Read every question of files in SQuAD's layout (`squad_layout.py`), in order.

    Raises InputError for a file in another layout, and for bad questions unless they are left out.
    """
    return _usable((question for path in paths for question in file_questions(path)), task, left_out)


def read_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> list[SpanExample]:
    """Read rows in the columns of rajpurkar/squad and rajpurkar/squad_v2. Raises as `read_files`."""
    return _usable((row_question(row, f"row {number}") for number, row in enumerate(rows)), task, left_out)


def _usable(questions: Iterable[SpanQuestion], task: TaskOptions, left_out: LeftOut) -> list[SpanExample]:
    """Return the questions as examples, without the bad ones. Raises InputError where these are refused."""
    examples, bad, has_no_answer = [], Tally(), False
    for question in questions:
        reason = question.fault(task.unanswerable)
        if reason is None:
            examples.append(question.example())
        else:
            bad.add(f"{question.source}: question {question.id} {reason}")
            has_no_answer |= not question.answers
    hint = f"set tasks.{task.name}.unanswerable=true for questions without answers (SQuAD 2.0); "
    settle_bad_questions(bad, task, left_out, hint if has_no_answer else "")
    return examples


def featurize(examples: list[SpanExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample per window of each context: [CLS] question [SEP] window [SEP].

    Targets, as positions in the sequence: start_positions, end_positions of the first reference (a window without it
    has [CLS] for SQuAD 1.1 and is ignored where questions may be unanswerable), is_answerable float32; and for
    prediction the tokens of the context [context_start, context_end) and of possible starts [start_low, start_high).
    """
    limit = min(task.max_question_tokens, max(1, layout.max_length // 4))
    questions = [ids[:limit] for ids in encode(tokenizer, [example.question for example in examples])]
    contexts = encode_with_offsets(tokenizer, [example.context for example in examples])
    firsts: list[np.ndarray] = []
    seconds: list[np.ndarray] = []
    characters: list[np.ndarray] = []
    rows: list[tuple[int, ...]] = []
    for number, (example, question, (ids, offsets)) in enumerate(zip(examples, questions, contexts, strict=True)):
        capacity = layout.pair_capacity - len(question)
        windows = sliding_windows(len(ids), capacity, max(1, min(task.window_stride, capacity // 2)))
        answer = answer_tokens(example, offsets)
        first = 1 + len(question) + layout.pair_separators
        for (start, end), (low, high) in zip(windows, best_context_ranges(windows, len(ids)), strict=True):
            firsts.append(question)
            seconds.append(ids[start:end])
            characters += [np.zeros((first, 2), np.int64), offsets[start:end], np.zeros((1, 2), np.int64)]
            shift = first - start
            target = (IGNORED_LABEL, IGNORED_LABEL, 0) if task.unanswerable else (0, 0, 0)
            if answer is not None and start <= answer[0] and answer[1] < end:
                target = (answer[0] + shift, answer[1] + shift, 1)
            rows.append((number, *target, first, end + shift, low + shift, high + shift))
    ids, borders, second = lay_out(firsts, seconds, layout)
    example, *columns = np.array(rows, dtype=np.int64).T
    targets = dict(zip(_TARGETS, columns, strict=True))
    targets["is_answerable"] = targets["is_answerable"].astype(np.float32)
    return Features(ids, borders, second, targets, example, np.concatenate(characters))


def sliding_windows(num_tokens: int, capacity: int, stride: int) -> list[tuple[int, int]]:
    """Return windows [start, end) of at most `capacity` tokens, `stride` apart, that cover all `num_tokens`
    (Devlin et al. 2019, released run_squad.py)."""
    assert 1 <= stride <= capacity, (stride, capacity)
    windows = [(0, min(capacity, num_tokens))]
    while windows[-1][1] < num_tokens:
        start = windows[-1][0] + stride
        windows.append((start, min(start + capacity, num_tokens)))
    return windows


def best_context_ranges(windows: list[tuple[int, int]], num_tokens: int) -> list[tuple[int, int]]:
    """Return for each window the tokens [start, end) that see more context in it than in any other window.

    A token's context in a window is the smaller of the tokens to its left and right there (BERT's "max context"). The
    ranges divide all tokens; an answer may start only in its own range, so no answer competes with itself.
    """
    tokens = np.arange(num_tokens)
    start, end = (np.array(border)[:, None] for border in zip(*windows, strict=True))
    context = np.minimum(tokens - start, end - 1 - tokens) + 0.01 * (end - start)
    context[(tokens < start) | (tokens >= end)] = -np.inf
    borders = np.searchsorted(context.argmax(axis=0), np.arange(len(windows) + 1))
    return [(int(borders[window]), int(borders[window + 1])) for window in range(len(windows))]


def answer_tokens(example: SpanExample, offsets: np.ndarray) -> tuple[int, int] | None:
    """Return the first and last token that touch the first reference, or None if the question is unanswerable."""
    if not example.answers:
        return None
    text, start = example.answers[0]
    touching = np.flatnonzero((offsets[:, 1] > start) & (offsets[:, 0] < start + len(text)))
    # a token may stand for nothing of the text (an unknown or dropped character): then no token does
    return (int(touching[0]), int(touching[-1])) if len(touching) else None


def score(examples: list[SpanExample], predictions: list[SpanAnswer], task: TaskOptions) -> Outcome:
    """Score answers by F1 and exact match (`task.scoring`), predictions being kept in SQuAD's official form.

    Where questions may be unanswerable, `best_f1` and `best_exact` are those of the one threshold of the probability of
    no answer that is best on these very examples (evaluate-v2.0.py), apart from what is told.
    """
    references = [[text for text, _ in example.answers] for example in examples]
    is_answerable = np.array([bool(example.answers) for example in examples])
    texts = [prediction.text for prediction in predictions]
    items = span_items(span_scores(texts, references, task), is_answerable)
    metrics = metric_values(items, items)
    if task.unanswerable:
        items |= threshold_items(predictions, references, task)
        metrics |= metric_values(THRESHOLD_METRICS, items)
    example_ids = [example.id for example in examples]
    by_id = dict(zip(example_ids, texts, strict=True))
    return Outcome(items[task.metric], example_ids, by_id, metrics, passage_clusters(examples), items)


def contexts(examples: list[SpanExample]) -> list[str]:
    """Return the different contexts."""
    return list(dict.fromkeys(example.context for example in examples))


def groups(examples: list[SpanExample]) -> list[str]:
    """Return the article of each question, or its context where no articles are told apart."""
    return passage_clusters(examples)


def with_foreign_contexts(examples: list[SpanExample]) -> list[SpanExample] | None:
    """Return the questions on contexts of other articles, in which nothing answers them; see `foreign_contexts.py`."""
    exchanged = foreign_contexts([example.context for example in examples], passage_clusters(examples))
    if exchanged is None:
        return None
    return [replace(example, context=text, answers=()) for example, text in zip(examples, exchanged, strict=True)]


def baselines(train: list[SpanExample], dev: list[SpanExample], task: TaskOptions) -> Baselines:
    """Measure chance, majority and the candidate nearest to the question's words; see `span_baselines.py`."""
    return Baselines(*span_baselines.measure(train, dev, task))
