"""NSP and SOP by a linear probe: what does the frozen first token tell of how two segments belong together?

A logistic regression on the first token's last hidden state is trained on pairs of some held-out documents and tested
on pairs of others; the encoder is not. Arms that never had the loss are measured as well as those that had it.
"""

# N pairs, D hidden

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.learning.probes.laid_out_store import PAIR_TOKENS
from nsp_ablation.learning.probes.masked_positions import SecondSegments, first_tokens
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, documents_of, fixed_draws
from nsp_ablation.learning.tasks.logistic_regression import fit_classifier
from nsp_ablation.learning.tasks.metrics import metric_values, standard_error
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore

_MIN_DOCUMENTS = 2  # in training and in the test: a random B is of another document


@dataclass(frozen=True)
class OrderedPairs:
    """N sentence borders of a document, each the end of A and the start of B; all (N,).

    border, start, end int64 in tokens of the store: the border, and where its document begins and ends. other (N,)
    int64: the number of the pair whose B this one has, its own unless B is random. label bool: B is of another
    document (NSP), or before A (SOP); is_train bool: the classifier is trained on it.
    """

    border: np.ndarray
    start: np.ndarray
    end: np.ndarray
    other: np.ndarray
    is_swapped: np.ndarray
    label: np.ndarray
    is_train: np.ndarray


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure how often the classifier is right of the pairs of documents that it was not trained on.

    A and B are the whole sentences before and after a border that half of an input holds each, up to T, and for
    `..._in_range` up to the tokens that are in range of every arm; a longer sentence is cut at its far end. An example
    is a border, its id its position in the store, its prediction the probability of label 1 at T, its cluster its
    document. Raises NoExamplesError where training or test has fewer than two documents of two sentences.
    """
    store, pairs = inputs.documents(model.config.vocab_size), _pairs(inputs, task)
    lengths = {"": inputs.layout.max_length, "_in_range": inputs.in_range_length(task)}
    test, items, probability = ~pairs.is_train, dict[str, np.ndarray](), np.zeros(0)
    for suffix, length in lengths.items():
        if length is None or (suffix and length == lengths[""]):
            continue
        states_ND = _states(model, inputs, store, pairs, length)
        classifier = fit_classifier(
            states_ND[pairs.is_train], pairs.label[pairs.is_train], task.penalty, task.baseline_iterations
        )
        found = classifier.probability(states_ND[test])
        items[f"accuracy{suffix}"] = ((found > 0.5) == pairs.label[test]).astype(np.float64)
        probability = probability if suffix else found
    example_ids, documents = [str(border) for border in pairs.border[test]], documents_of(store, pairs.border[test])
    metrics = metric_values(items, items)
    metrics |= {"num_pairs": float(test.sum()), "num_train_pairs": float(pairs.is_train.sum())}
    for name, values in items.items():
        error = standard_error(values, np.array(documents))
        metrics |= {} if error is None else {name.replace("accuracy", "accuracy_standard_error"): error}
    commonest = pairs.label[pairs.is_train].mean() >= 0.5
    return Outcome(
        scores=items["accuracy"],
        example_ids=example_ids,
        predictions=dict(zip(example_ids, probability.tolist(), strict=True)),
        metrics=metrics,
        clusters=documents,
        items=items,
        baselines=Baselines(chance=0.5, majority=float((pairs.label[test] == commonest).mean())),
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of pairs in the test. Raises NoExamplesError where there are too few documents."""
    return int((~_pairs(inputs, task).is_train).sum())


def _pairs(inputs: ProbeInputs, task: TaskOptions) -> OrderedPairs:
    store = inputs.heldout
    assert store is not None
    pairs = choose_pairs(store, task)
    if pairs is None or inputs.layout.max_length < PAIR_TOKENS + 2:
        raise NoExamplesError(
            f"tasks.{task.name}: its classifier is trained on some held-out documents of two sentences or more and "
            f"tested on others, and needs {_MIN_DOCUMENTS} of each; raise corpus.heldout_fraction, or leave the probe "
            "out of tasks"
        )
    return pairs


def choose_pairs(store: TokenStore, task: TaskOptions) -> OrderedPairs | None:
    """Draw at most `num_borders` borders (all if None) between two sentences of a document, in the store's order.

    `train_share` of the documents are drawn for training; half of the pairs of either side have label 1. A random B
    follows a border in another document of the same side. All draws are fixed: all encoders face the same pairs. None
    where a side has fewer than two documents.
    """
    offsets, documents = np.asarray(store.sentence_offsets), np.asarray(store.document_offsets)
    first = offsets[documents]
    inner = np.setdiff1d(offsets, first)
    chosen = np.sort(inner[np.argsort(fixed_draws("pair border", inner), kind="stable")][: task.num_borders])
    document = np.searchsorted(first, chosen, side="right") - 1
    having = np.unique(document)
    num_train = round(task.train_share * len(having))
    in_order = having[np.argsort(fixed_draws("pair document", first[having]), kind="stable")]
    if min(num_train, len(having) - num_train) < _MIN_DOCUMENTS:
        return None
    is_train = np.isin(document, in_order[:num_train])
    label = np.zeros(len(chosen), bool)
    other = np.arange(len(chosen))
    for side in (np.flatnonzero(is_train), np.flatnonzero(~is_train)):
        by_draw = side[np.argsort(fixed_draws("pair label", chosen[side]), kind="stable")]
        label[by_draw[: len(side) // 2]] = True
        for number in side[label[side]] if task.pair_label == "nsp" else ():
            foreign = side[document[side] != document[number]]
            draw = fixed_draws("pair donor", chosen[number : number + 1])[0]
            other[number] = foreign[draw % np.uint64(len(foreign))]
    is_swapped = label if task.pair_label == "sop" else np.zeros(len(chosen), bool)
    return OrderedPairs(chosen, first[document], first[document + 1], other, is_swapped, label, is_train)


def segments(store: TokenStore, pairs: OrderedPairs, capacity: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A and B of each pair, (N, 2) int64 `[start, end)` each, before any swap: whole sentences of at most
    `capacity` tokens that end and begin at a border, or that many tokens of one longer sentence."""
    offsets = np.asarray(store.sentence_offsets)
    low = np.maximum(pairs.border - capacity, pairs.start)
    start = offsets[np.searchsorted(offsets, low, side="left")]
    high = np.minimum(pairs.border + capacity, pairs.end)
    end = offsets[np.searchsorted(offsets, high, side="right") - 1]
    first = np.stack([np.where(start < pairs.border, start, low), pairs.border], axis=1)
    second = np.stack([pairs.border, np.where(end > pairs.border, end, high)], axis=1)
    return first, second[pairs.other]


def _states(
    model: PreTrainedModel, inputs: ProbeInputs, store: TokenStore, pairs: OrderedPairs, length: int
) -> np.ndarray:
    """Return the first token's state (N, D) of inputs [CLS] A [SEP] B [SEP] of at most `length` tokens."""
    layout, ids = inputs.layout, store.ids
    before, after = segments(store, pairs, max(1, (length - PAIR_TOKENS) // 2))
    is_swapped = pairs.is_swapped[:, None]
    first, second = np.where(is_swapped, after, before), np.where(is_swapped, before, after)
    separators = [layout.sep] * layout.pair_separators

    def make_input(number: int) -> np.ndarray:
        a, b = ids[slice(*first[number])], ids[slice(*second[number])]
        return np.concatenate([[layout.cls], a, separators, b, [layout.sep]]).astype(np.int64)

    num_first, num_second = first[:, 1] - first[:, 0], second[:, 1] - second[:, 0]
    starts = 1 + num_first + layout.pair_separators
    lengths = starts + num_second + 1
    return first_tokens(model, layout.pad, make_input, lengths, SecondSegments(starts, layout.second_type))
