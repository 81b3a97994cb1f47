"""Context gain, a zero-shot probe: what does the text before a sentence tell an encoder about its words?

A sentence of a held-out document is read twice under one mask: after the text that stands before it, and after as many
tokens of another document. The gain is the loss on its masked words in the foreign context, minus that in the true one
(nats). Everything but the text of the context is equal: the sentence, its mask, its positions.
"""

import time

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.learning.engine.encoder_directory import InputLayout, load_masked_lm, read_layout
from nsp_ablation.learning.probes.context_targets import ContextTargets, choose_sentences, masked_tokens
from nsp_ablation.learning.probes.masked_places import MaskedPlaces, score_places
from nsp_ablation.learning.tasks.baselines import Baselines
from nsp_ablation.learning.tasks.metrics import standard_error
from nsp_ablation.learning.tasks.outcome import TaskOutcome, outcome
from nsp_ablation.learning.tasks.scored import Scored


def context_gain(
    encoder_directory: str,
    ids: np.ndarray,
    sentence_offsets: np.ndarray,
    document_offsets: np.ndarray,
    *,
    max_length: int,
    max_sentences: int | None = 1000,
    in_range_tokens: int | None = None,
    device: str = "cpu",
) -> TaskOutcome:
    """Probe the encoder on held-out documents, given as the token store's arrays, made by the encoder's tokenizer.

    Inputs are [CLS] context sentence [SEP] of at most `max_length` tokens, all of token type 0. A sentence's score is
    its gain, its id its first token's place in the store, its prediction its loss in the true and in the foreign
    context. `context_gain_standard_error` counts documents, since sentences of one share their text. `in_range_tokens`
    adds the same on inputs of that length (`context_gain_in_range`, absent where no sentence is short enough), for
    formats that never train late positions. Raises ValueError where no sentence has a context, or ids are beyond the
    encoder's vocabulary.
    """
    started = time.perf_counter()
    layout = read_layout(encoder_directory, max_length, "as_pretrained")
    model = load_masked_lm(encoder_directory).eval().to(device)
    if len(ids) and int(np.max(ids)) >= model.config.vocab_size:
        raise ValueError(f"encoder={encoder_directory} has another vocabulary than the held-out documents' tokenizer")
    offsets = sentence_offsets, document_offsets
    targets = choose_sentences(*offsets, layout.single_room, max_sentences)
    if not len(targets.start):
        raise ValueError(
            f"context_gain: no held-out sentence with text before it fits an input of {layout.max_length} tokens; "
            "raise corpus.heldout_fraction or max_length"
        )
    true, foreign = _losses(model, ids, targets, layout)
    metrics = _metrics(targets, true, foreign, "")
    if in_range_tokens is not None:
        near = choose_sentences(*offsets, min(in_range_tokens, layout.max_length) - 2, max_sentences)
        metrics |= _metrics(near, *_losses(model, ids, near, layout), "_in_range") if len(near.start) else {}
    example_ids = [str(place) for place in targets.start]
    losses = np.column_stack([true, foreign]).tolist()
    scored = Scored(foreign - true, dict(zip(example_ids, losses, strict=True)), metrics, "context_gain")
    return outcome(scored, example_ids, Baselines(None, None, None), updates=0, seconds=time.perf_counter() - started)


def _metrics(targets: ContextTargets, true: np.ndarray, foreign: np.ndarray, suffix: str) -> dict[str, float]:
    gain = foreign - true
    metrics = {
        f"context_gain{suffix}": float(gain.mean()),
        f"true_context_loss{suffix}": float(true.mean()),
        f"foreign_context_loss{suffix}": float(foreign.mean()),
        f"num_sentences{suffix}": float(len(gain)),
    }
    if (error := standard_error(gain, targets.document)) is not None:
        metrics[f"context_gain_standard_error{suffix}"] = error
    return metrics


def _losses(
    model: PreTrainedModel, ids: np.ndarray, targets: ContextTargets, layout: InputLayout
) -> tuple[np.ndarray, np.ndarray]:
    """Return each sentence's mean loss (N,) float64 over its masked tokens, after its true and its foreign context."""
    masked = [masked_tokens(start, end) for start, end in zip(targets.start, targets.end, strict=True)]
    counts = np.array([len(places) for places in masked])
    in_store = np.concatenate(masked)
    number = np.repeat(np.arange(len(counts)), counts)
    place = 1 + targets.num_context[number] + in_store - targets.start[number]
    asked = MaskedPlaces(number, place, np.asarray(ids[in_store]).astype(np.int64))
    lengths = targets.num_context + targets.end - targets.start + 2

    def losses(context_end: np.ndarray) -> np.ndarray:
        def make_input(number: int) -> np.ndarray:
            context = ids[context_end[number] - targets.num_context[number] : context_end[number]]
            sentence = np.array(ids[targets.start[number] : targets.end[number]])
            sentence[masked[number] - targets.start[number]] = layout.mask
            return np.concatenate([[layout.cls], context, sentence, [layout.sep]])

        log_probability, _ = score_places(model, layout.pad, make_input, lengths, asked)
        return -np.bincount(number, log_probability, len(counts)) / counts

    return losses(targets.start), losses(targets.foreign_end)
