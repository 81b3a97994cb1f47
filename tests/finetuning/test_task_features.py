"""Task inputs: every answer comes back from its tokens, windows cover the context, nothing exceeds the encoder."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatInputs
from nsp_ablation.learning.finetuning import span_head
from nsp_ablation.learning.finetuning.task_batches import TaskBatch
from nsp_ablation.learning.tasks import classification, multiple_choice, span_qa, text_inputs
from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample
from nsp_ablation.learning.tasks.span_qa import best_context_ranges, sliding_windows
from nsp_ablation.options.task_options import TaskOptions

CONTEXT = "Ann  lives in Rome,\nthe cat-red dog (Ben) is in Bonn . Où? Carl works."
ANSWERS = ["Ann", "Rome", "cat", "red dog (Ben)", "Ben", "Bonn", "Où", "Carl works."]


def backend(directory: str):
    return load_tokenizer(directory).backend_tokenizer


SPANS = TaskOptions("task", "span_qa", metric="f1")
SPANS_OR_NONE = replace(SPANS, unanswerable=True)
TEXTS = TaskOptions("task", "classification", metric="accuracy")
CHOICES = TaskOptions("task", "multiple_choice", metric="accuracy")


def span(answer: str | None, question: str = "who?", context: str = CONTEXT) -> SpanExample:
    return SpanExample(answer or "none", question, context, ((answer, context.index(answer)),) if answer else ())


@pytest.fixture(params=["bert_directory", "roberta_directory"])
def directory(request) -> str:
    return request.getfixturevalue(request.param)


def test_windows_cover_every_token_and_fit_the_capacity():
    for num_tokens, capacity, stride in [(0, 5, 2), (5, 5, 2), (6, 5, 2), (40, 7, 3), (9, 1, 1)]:
        windows = sliding_windows(num_tokens, capacity, stride)
        assert sorted({token for window in windows for token in range(*window)}) == list(range(num_tokens))
        assert all(end - start <= capacity for start, end in windows)
        assert [start for start, _ in windows] == [stride * number for number in range(len(windows))]


def test_best_ranges_divide_the_tokens_and_lie_in_their_windows():
    windows = sliding_windows(40, 12, 5)
    ranges = best_context_ranges(windows, 40)
    assert [token for best in ranges for token in range(*best)] == list(range(40))
    for (start, end), (low, high) in zip(windows, ranges, strict=True):
        assert start <= low <= high <= end
    # token 8: 3 tokens to its right in [0, 12), 3 to its left in [5, 17): the first window that is best keeps it
    assert ranges[:2] == [(0, 9), (9, 14)]


@pytest.mark.parametrize("max_length", [12, 24, 32])
def test_every_answer_comes_back_from_its_tokens(directory, max_length):
    layout = read_layout(directory, max_length, "as_pretrained")
    examples = [span(answer) for answer in ANSWERS]
    features = span_qa.featurize(examples, backend(directory), layout, SPANS_OR_NONE)
    starts, ends = features.targets["start_positions"], features.targets["end_positions"]
    recovered = {}
    for window in np.flatnonzero(starts != span_qa.IGNORED_LABEL):
        tokens = features.offsets[window] + np.array([starts[window], ends[window]])
        (start, _), (_, end) = features.characters[tokens]
        recovered.setdefault(features.example[window], set()).add(CONTEXT[start:end].strip())
    if max_length == 32:
        assert sorted(recovered) == list(range(len(ANSWERS)))
    assert recovered == {number: {ANSWERS[number]} for number in recovered}
    assert len(recovered) >= 3


def test_no_token_is_given_to_a_window_that_lacks_it():
    windows = sliding_windows(401, 400, 200)
    assert windows == [(0, 400), (200, 401)]
    assert best_context_ranges(windows, 401) == [(0, 400), (400, 401)]


def test_windows_overlap_by_half(bert_directory):
    layout = read_layout(bert_directory, 16, "as_pretrained")
    features = span_qa.featurize([span("Rome")], backend(bert_directory), layout, SPANS)
    capacity = 16 - len(["[CLS]", "who", "?", "[SEP]", "[SEP]"])
    ids = [features.ids[start + 4 : end - 1] for start, end in itertools.pairwise(features.offsets)]
    assert len(ids[0]) == capacity
    for before, after in itertools.pairwise(ids):
        assert before[capacity // 2 :].tolist() == after[: capacity - capacity // 2].tolist()


def test_the_best_span_is_that_of_a_search_over_all():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head, hidden_BLD = span_head.make_head(4, SPANS), torch.randn(6, 40, 4)
    borders = {"context_start": 3, "context_end": 38, "start_low": 5, "start_high": 36}
    targets = {name: torch.full((6,), border) for name, border in borders.items()}
    inputs = FlatInputs(torch.zeros(240, dtype=int), None, torch.arange(240) % 40, torch.arange(0, 241, 40))
    batch = TaskBatch(inputs, None, targets, {}, None)
    with torch.no_grad():
        outputs, logits = head.outputs(hidden_BLD.flatten(0, 1), hidden_BLD[:, 0], batch), head.span(hidden_BLD)
    for row in range(6):
        scores = {
            (start, end): float(logits[row, start, 0] + logits[row, end, 1])
            for start in range(5, 36)
            for end in range(start, min(start + 30, 38))
        }
        best = max(scores, key=scores.__getitem__)
        assert (int(outputs["start"][row, 0]), int(outputs["end"][row, 0])) == best
        assert outputs["score"][row].tolist() == pytest.approx(
            sorted(scores.values())[: -SPANS.num_best_spans - 1 : -1]
        )


def test_windows_of_an_input_hold_the_whole_context(directory):
    layout = read_layout(directory, 16, "as_pretrained")
    features = span_qa.featurize([span("Rome")], backend(directory), layout, SPANS)
    seen = {}
    for window in range(len(features.example)):
        ids = features.ids[features.offsets[window] : features.offsets[window + 1]]
        low, high = features.targets["context_start"][window], features.targets["context_end"][window]
        assert len(ids) <= 16
        assert ids[0] == layout.cls
        assert ids[low - 1] == ids[high] == layout.sep
        assert high == len(ids) - 1
        characters = features.characters[features.offsets[window] : features.offsets[window + 1]][low:high]
        seen |= {tuple(pair): id for pair, id in zip(characters.tolist(), ids[low:high].tolist(), strict=True)}
    whole = backend(directory).encode(CONTEXT, add_special_tokens=False)
    assert seen == dict(zip(whole.offsets, whole.ids, strict=True))


def test_a_window_without_the_answer_points_at_cls_or_is_ignored(bert_directory):
    layout, tokenizer = read_layout(bert_directory, 16, "as_pretrained"), backend(bert_directory)
    for task, target in ((SPANS, 0), (SPANS_OR_NONE, span_qa.IGNORED_LABEL)):
        targets = span_qa.featurize([span("Ann")], tokenizer, layout, task).targets
        assert targets["is_answerable"].tolist()[0] == 1.0
        assert set(targets["start_positions"][1:]) == {target}
        assert set(targets["is_answerable"][1:]) == {0.0}
    targets = span_qa.featurize([span(None)], tokenizer, layout, SPANS_OR_NONE).targets
    assert not targets["is_answerable"].any()


def test_pairs_are_cut_as_bert_cuts_them():
    def bert(first, second, capacity):
        while first + second > capacity:
            if first > second:
                first -= 1
            else:
                second -= 1
        return first, second

    for capacity in (5, 6):
        for first in range(12):
            for second in range(12):
                assert text_inputs.cut_pair(first, second, capacity) == bert(first, second, capacity)


def test_inputs_are_laid_out_end_to_end_with_types_and_positions(bert_directory):
    tokenizer = load_tokenizer(bert_directory)
    examples = [TextExample("0", ("a cat", "dog"), 1), TextExample("1", ("bird", "red cat is blue"), 0)]
    layout = read_layout(bert_directory, 32, "as_pretrained")
    batch = classification.featurize(examples, tokenizer.backend_tokenizer, layout, TEXTS).batch(
        np.array([1, 0]), layout
    )
    assert tokenizer.convert_ids_to_tokens(batch["input_ids"].tolist()) == [
        *("[CLS]", "bird", "[SEP]", "red", "cat", "is", "blue", "[SEP]"),
        *("[CLS]", "a", "cat", "[SEP]", "dog", "[SEP]"),
    ]
    assert batch["token_type_ids"].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1]
    assert batch["position_ids"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5]
    assert batch["sequence_offsets"].tolist() == [0, 8, 14]
    assert batch["labels"].tolist() == [0, 1]


def test_single_texts_have_one_separator_and_are_cut(bert_directory):
    layout = read_layout(bert_directory, 8, "as_pretrained")
    features = classification.featurize([TextExample("0", ("a cat " * 9,), 0)], backend(bert_directory), layout, TEXTS)
    assert features.ids[[0, -1]].tolist() == [layout.cls, layout.sep]
    assert features.lengths().tolist() == [8]


def test_options_stay_apart_when_question_and_answer_are_cut(bert_directory):
    layout, tokenizer = read_layout(bert_directory, 16, "as_pretrained"), load_tokenizer(bert_directory)
    examples = [ChoiceExample("0", "a cat is red " * 9, "who is in the red dog ?", ("ann", "carl", "ben", "no"), 2)]
    features = multiple_choice.featurize(examples, tokenizer.backend_tokenizer, layout, CHOICES)
    batch = features.batch(np.array([0]), layout)
    words = [tokenizer.convert_ids_to_tokens(row.tolist()) for row in np.split(batch["input_ids"], 4)]
    assert [row[-5:] for row in words] == [["red", "dog", "?", name, "[SEP]"] for name in ("ann", "carl", "ben", "no")]
    assert batch["sequence_offsets"].tolist() == [0, 16, 32, 48, 64]
    assert batch["labels"].tolist() == [2]


def test_an_option_fills_a_blank():
    assert multiple_choice.filled("Ann is _ .", "red") == "Ann is red ."
    assert multiple_choice.filled("Who?", "Ann") == "Who? Ann"


def test_special_tokens_in_a_text_stay_text(bert_directory, roberta_directory):
    for directory, text in ((bert_directory, "a [SEP] cat"), (roberta_directory, "a </s> cat")):
        layout = read_layout(directory, 32, "as_pretrained")
        features = classification.featurize([TextExample("0", (text,), 0)], backend(directory), layout, TEXTS)
        assert features.ids.tolist().count(layout.sep) == 1
