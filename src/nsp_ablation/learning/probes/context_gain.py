"""Context gain, a zero-shot probe: what does the text before a sentence tell an encoder about its words?

A sentence of a held-out document is read twice under one mask: after the text that stands before it, and after as many
tokens of another document. The gain is the loss on its masked words in the foreign context, minus that in the true one
(nats). Everything but the text of the context is equal: the sentence, its mask, its positions.
"""

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.input_layout import InputLayout, TokenLayout
from nsp_ablation.learning.probes.masked_positions import MaskedPositions, score_positions
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, fixed_draws
from nsp_ablation.learning.tasks.metrics import metric_values, standard_error
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure the gain of sentences in inputs [CLS] context sentence [SEP].

    A sentence's score is its gain, its id its first token's position in the store, its prediction its loss in the true
    and in the foreign context. Its cluster is its document, since sentences of one share their text;
    `context_gain_standard_error` counts these. The metrics `..._in_range` are those of the same sentences, where they
    fit half of an input that is in range of every arm, after the nearest part of their contexts. Raises NoExamplesError
    where no sentence has a context.
    """
    store, layout = inputs.documents(model.config.vocab_size), inputs.layout
    targets = _targets(store, layout, task)
    items = _items(*_losses(model, store.ids, targets, layout, task.masked_share))
    predictions = np.column_stack([items["true_context_loss"], items["foreign_context_loss"]]).tolist()
    if (length := inputs.in_range_length(task)) is not None:
        near, fits = targets.shortened(length - (layout.max_length - layout.capacity))
        if fits.any():
            for name, values in _items(*_losses(model, store.ids, near, layout, task.masked_share)).items():
                items[f"{name}_in_range"] = np.full(len(fits), np.nan)
                items[f"{name}_in_range"][fits] = values
    example_ids, clusters = [str(start) for start in targets.start], [str(number) for number in targets.document]
    return Outcome(
        scores=items["context_gain"],
        example_ids=example_ids,
        predictions=dict(zip(example_ids, predictions, strict=True)),
        metrics=metric_values(items, items) | _counts_and_errors(items, targets.document),
        clusters=clusters,
        items=items,
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of sentences. Raises NoExamplesError where none has a context."""
    assert inputs.heldout is not None
    return len(_targets(inputs.heldout, inputs.layout, task).start)


def _targets(store: TokenStore, layout: TokenLayout, task: TaskOptions) -> "ContextTargets":
    targets = choose_sentences(store, layout.capacity, task)
    if not len(targets.start):
        raise NoExamplesError(
            f"tasks.{task.name}: no held-out sentence has text before it, a foreign context and room in an input of "
            f"{layout.max_length} tokens; raise corpus.heldout_fraction or max_length, or leave the probe out of tasks"
        )
    return targets


def _items(true: np.ndarray, foreign: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays (N,) that the metrics are means of, from each sentence's two losses."""
    return {"context_gain": foreign - true, "true_context_loss": true, "foreign_context_loss": foreign}


def _counts_and_errors(items: dict[str, np.ndarray], documents: np.ndarray) -> dict[str, float]:
    found = {}
    for suffix in ("", "_in_range"):
        if (gain := items.get(f"context_gain{suffix}")) is not None:
            counts = ~np.isnan(gain)
            found[f"num_sentences{suffix}"] = float(counts.sum())
            error = standard_error(gain[counts], documents[counts])
            found |= {} if error is None else {f"context_gain_standard_error{suffix}": error}
    return found


def _losses(
    model: PreTrainedModel, ids: np.ndarray, targets: "ContextTargets", layout: InputLayout, masked_share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return each sentence's mean loss (N,) float64 over its masked tokens, after its true and its foreign context."""
    masked = [masked_tokens(start, end, masked_share) for start, end in zip(targets.start, targets.end, strict=True)]
    counts = np.array([len(positions) for positions in masked])
    in_store = np.concatenate(masked)
    number = np.repeat(np.arange(len(counts)), counts)
    position = 1 + targets.num_context[number] + in_store - targets.start[number]
    asked = MaskedPositions(number, position, np.asarray(ids[in_store]).astype(np.int64))
    lengths = targets.num_context + targets.end - targets.start + 2

    def losses(context_end: np.ndarray) -> np.ndarray:
        def make_input(number: int) -> np.ndarray:
            context = ids[context_end[number] - targets.num_context[number] : context_end[number]]
            sentence = np.array(ids[targets.start[number] : targets.end[number]])
            sentence[masked[number] - targets.start[number]] = layout.mask
            return np.concatenate([[layout.cls], context, sentence, [layout.sep]])

        log_probability, _ = score_positions(model, layout.pad, make_input, lengths, asked)
        return -np.bincount(number, log_probability, len(counts)) / counts

    return losses(targets.start), losses(targets.foreign_end)


@dataclass(frozen=True)
class ContextTargets:
    """N sentences, all (N,) int64 and in tokens of the store: a sentence is [start, end), its true context the
    `num_context` tokens before it, its foreign one as many before `foreign_end`; `document` is its own document."""

    start: np.ndarray
    end: np.ndarray
    num_context: np.ndarray
    foreign_end: np.ndarray
    document: np.ndarray

    def shortened(self, capacity: int) -> tuple["ContextTargets", np.ndarray]:
        """Return the sentences that fit half of `capacity` tokens, each after as much context as is left of it, and
        which (N,) bool these are."""
        length = self.end - self.start
        fits = length <= capacity // 2
        num_context = np.minimum(self.num_context, capacity - length)
        return ContextTargets(
            *(values[fits] for values in (self.start, self.end, num_context, self.foreign_end, self.document))
        ), fits


def choose_sentences(store: TokenStore, capacity: int, task: TaskOptions) -> ContextTargets:
    """Draw at most `num_sentences` sentences (all if None) that fit half of `capacity` tokens and are not their
    document's first, in the store's order.

    The context is all text of the document before the sentence, at most what `capacity` leaves. The foreign context
    stands before another of these sentences, in another document, and so ends with a sentence as the true one does; a
    sentence for which no other document has so much text is left out. The draws are fixed: all encoders face the same.
    """
    offsets, document_offsets = np.asarray(store.sentence_offsets), np.asarray(store.document_offsets)
    start, end = offsets[:-1], offsets[1:]
    document = np.searchsorted(document_offsets, np.arange(len(start)), side="right") - 1
    num_before = start - offsets[document_offsets[document]]
    length = end - start
    eligible = np.flatnonzero((num_before > 0) & (length >= task.min_sentence_tokens) & (length <= capacity // 2))
    drawn = eligible[np.argsort(fixed_draws("context sentence", start[eligible]), kind="stable")][: task.num_sentences]
    chosen = np.sort(drawn)
    num_context = np.minimum(num_before, capacity - length)

    def donor(n: int) -> int:
        """Return a random one of the chosen sentences, of another document and with enough text before it; else -1."""
        fits = chosen[(document[chosen] != document[n]) & (num_before[chosen] >= num_context[n])]
        return int(fits[fixed_draws("context donor", start[n : n + 1])[0] % np.uint64(len(fits))]) if len(fits) else -1

    donors = np.array([donor(n) for n in chosen], dtype=np.int64)
    has_donor = donors >= 0
    kept = chosen[has_donor]
    return ContextTargets(start[kept], end[kept], num_context[kept], start[donors[has_donor]], document[kept])


def masked_tokens(start: int, end: int, share: float) -> np.ndarray:
    """Return the masked positions of the sentence [start, end), ascending: a share of its tokens, at least one."""
    positions = np.arange(start, end)
    num_masked = max(1, round(share * len(positions)))
    return np.sort(positions[np.argsort(fixed_draws("context mask", positions), kind="stable")[:num_masked]])
