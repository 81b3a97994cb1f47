"""In-context recall, a zero-shot probe: does an encoder look a masked word up elsewhere in its input?

A word that stands in an input twice or more is masked once. *Accuracy*: how often it is the top prediction with its
other copies visible. *Recall gain*: its log-probability then, minus that with all its copies masked as well (nats).
Comparing repeated with unrepeated words instead is biased: repeated ones are easier even without their copies.

The same text is read in two forms: *single*, `[CLS] text [SEP]`, and *pair*, `[CLS] A [SEP] B [SEP]` in the arm's own
separators and token types, an earlier mention in A and the masked one in B; each in inputs up to T and in range.
"""

# N targets

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import MaskedPositions, SecondSegments, score_positions
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, documents_of
from nsp_ablation.learning.probes.recall_targets import (
    RecallTargets,
    Windows,
    choose_targets,
    content_words,
    continuing_tokens,
    target_baselines,
)
from nsp_ablation.learning.tasks.metrics import metric_values, standard_error
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.options.task_options import TaskOptions


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure recall in inputs of whole sentences of one document, as of DOC-SENTENCES.

    Targets are words of `inputs.target_ids`, or without them words of one token that are not among the `num_frequent`
    commonest of the held-out documents. `accuracy`, `recall_gain_single` and `recall_gain_pair` are of inputs up to T,
    `..._in_range` of shorter ones round the same targets, where a mention is near enough. `recall_gain`, the measure to
    compare formats by, is the mean of both forms in range; its examples alone are measured where `task.metric` is
    `recall_gain`. An example is a target, its id its position in the store, its prediction the word predicted in the
    single form at T, its cluster its document. Raises NoExamplesError where there is none.
    """
    store, targets = inputs.documents(model.config.vocab_size), _targets(inputs, task)
    items, predicted = _items(model, targets, np.asarray(store.ids), inputs.layout)
    documents = documents_of(store, targets.position)
    metrics = metric_values(items, items) | _counts_and_errors(items, documents)
    example_ids = [str(position) for position in targets.position]
    words = [str(inputs.tokenizer.convert_ids_to_tokens(token)) for token in predicted.tolist()]
    return Outcome(
        scores=items[task.metric],
        example_ids=example_ids,
        predictions=dict(zip(example_ids, words, strict=True)),
        metrics=metrics,
        clusters=documents,
        items=items,
        baselines=target_baselines(np.asarray(store.ids[targets.position]))
        if task.metric == "accuracy"
        else Baselines(),
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of targets. Raises NoExamplesError where there is none."""
    return len(_targets(inputs, task).position)


def _targets(inputs: ProbeInputs, task: TaskOptions) -> RecallTargets:
    continues_word, is_word = continuing_tokens(inputs.tokenizer)
    store, length = inputs.documents(len(is_word)), inputs.in_range_length(task)
    if inputs.target_ids is None:
        is_target = content_words(store.ids, is_word, task.num_frequent)
    else:
        is_target = np.isin(np.arange(len(is_word)), inputs.target_ids)
    targets = choose_targets(store, inputs.frame, length, is_target, continues_word, task)
    in_two, length = "", inputs.layout.max_length
    if task.metric == "recall_gain":
        targets, in_two = targets.of(targets.near.start >= 0), " in two sentences"
        length = inputs.in_range_length(task) or length
    if not len(targets.position):
        raise NoExamplesError(
            f"tasks.{task.name}: no word stands twice{in_two} in a held-out input of {length} tokens; raise "
            "corpus.heldout_fraction or max_length, or leave the probe out of tasks"
        )
    return targets


def _counts_and_errors(items: dict[str, np.ndarray], documents: list[str]) -> dict[str, float]:
    """Return how many targets there are in all, in pairs and in range, and the gains' standard errors."""
    counts = {"num_targets": items["accuracy"], "num_targets_pair": items.get("recall_gain_pair")}
    counts |= {"num_targets_in_range": items.get("recall_gain")}
    found = {name: float((~np.isnan(values)).sum()) for name, values in counts.items() if values is not None}
    for name, values in items.items():
        is_one = ~np.isnan(values)
        if name.startswith("recall_gain"):
            error = standard_error(values[is_one], np.array(documents)[is_one])
            found |= {} if error is None else {name.replace("gain", "gain_standard_error"): error}
    return found


def _items(
    model: PreTrainedModel, targets: RecallTargets, ids: np.ndarray, layout: InputLayout
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the arrays (N,) that metrics are means of, and the words (N,) int64 predicted in the single form at T."""
    items, predicted = {}, np.zeros(0, np.int64)
    measured: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for suffix, windows in (("", targets.long), ("_in_range", targets.near)):
        for form in ("single", "pair"):
            counts = (windows.start if form == "single" else windows.border) >= 0
            same = suffix and all(
                np.array_equal(getattr(windows, name)[counts], getattr(targets.long, name)[counts])
                for name in ("start", "end", "border")
            )
            if not same:
                measured[form] = _gains(model, targets.position, windows, counts, ids, layout, form == "pair")
            gain, guess = measured[form]
            is_right = np.where(counts, guess == ids[targets.position], np.nan)
            items[f"recall_gain_{form}{suffix}"] = np.where(counts, gain, np.nan)
            items[f"accuracy{'' if form == 'single' else '_pair'}{suffix}"] = is_right
            predicted = guess if form == "single" and not suffix else predicted
    items["recall_gain"] = (items["recall_gain_single_in_range"] + items["recall_gain_pair_in_range"]) / 2
    return {name: values for name, values in items.items() if not np.isnan(values).all()}, predicted


def _gains(
    model: PreTrainedModel,
    position: np.ndarray,
    windows: Windows,
    counts: np.ndarray,
    ids: np.ndarray,
    layout: InputLayout,
    is_pair: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the recall gain (N,) float64 and the top prediction (N,) int64 with copies visible, in one form, of the
    targets that `counts` (N,) bool; of the others 0."""
    of = np.flatnonzero(counts)
    start, end, target = windows.start[of], windows.end[of], position[of]
    border = windows.border[of] if is_pair else end
    separators = np.full(len(of), layout.pair_separators if is_pair else 0)
    at = 1 + target - start + np.where(target >= border, separators, 0)
    asked = MaskedPositions(np.arange(len(of)), at, ids[target].astype(np.int64))
    second = SecondSegments(1 + border - start + separators, layout.second_type) if is_pair else None

    def score(masks_copies: bool) -> tuple[np.ndarray, np.ndarray]:
        def make_input(number: int) -> np.ndarray:
            tokens = ids[start[number] : end[number]].astype(np.int64)
            masked = tokens == ids[target[number]] if masks_copies else target[number] - start[number]
            tokens[masked] = layout.mask
            first, rest = np.split(tokens, [border[number] - start[number]])
            return np.concatenate([[layout.cls], first, [layout.sep] * separators[number], rest, [layout.sep]])

        return score_positions(model, layout.pad, make_input, end - start + 2 + separators, asked, second)

    (seen, guessed), (unseen, _) = score(masks_copies=False), score(masks_copies=True)
    gain, guess = np.zeros(len(position)), np.zeros(len(position), np.int64)
    gain[of], guess[of] = seen - unseen, guessed
    return gain, guess
