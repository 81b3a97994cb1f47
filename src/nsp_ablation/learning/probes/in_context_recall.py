"""In-context recall, a zero-shot probe: does an encoder look a masked word up elsewhere in its input?

A word that stands in an input twice or more is masked once. *Accuracy*: how often it is the top prediction with its
other copies visible. *Recall gain*: its log-probability then, minus that with all its copies masked as well (nats).
Comparing repeated with unrepeated words instead is biased: repeated ones are easier even without their copies.
"""

import time

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.learning.engine.encoder_directory import InputLayout, load_masked_lm, load_tokenizer, read_layout
from nsp_ablation.learning.probes.masked_places import MaskedPlaces, score_places
from nsp_ablation.learning.probes.recall_targets import RecallTargets, choose_targets, content_words, continuing_tokens
from nsp_ablation.learning.tasks.baselines import Baselines
from nsp_ablation.learning.tasks.metrics import accuracy_scores, standard_error
from nsp_ablation.learning.tasks.outcome import TaskOutcome, outcome
from nsp_ablation.learning.tasks.scored import Scored


def in_context_recall(
    encoder_directory: str,
    ids: np.ndarray,
    sentence_offsets: np.ndarray,
    document_offsets: np.ndarray,
    *,
    max_length: int,
    target_ids: np.ndarray | None,
    num_frequent: int = 200,
    targets_per_input: int = 4,
    max_inputs: int | None = 500,
    in_range_tokens: int | None = None,
    device: str = "cpu",
) -> TaskOutcome:
    """Probe the encoder on held-out documents, given as the token store's arrays, made by the encoder's tokenizer.

    Inputs are as in DOC-SENTENCES, [CLS] sentences [SEP], of at most `max_length` tokens; targets are words of
    `target_ids` (the micro-world's values), or without them words of one token that are not among the `num_frequent`
    commonest of `ids`. `recall_gain_standard_error` says how sure the gain is, over inputs. `in_range_tokens` adds the
    same on inputs of that length (`accuracy_in_range`, `recall_gain_in_range`, absent where no word is repeated in
    these), for formats that never train late positions. Scores are those of accuracy, by target; an example's id is
    its target's place in the store. Raises ValueError where no word is repeated, or ids are beyond the encoder's
    vocabulary.
    """
    started = time.perf_counter()
    layout = read_layout(encoder_directory, max_length, "as_pretrained")
    tokenizer = load_tokenizer(encoder_directory)
    model = load_masked_lm(encoder_directory).eval().to(device)
    continues_word, is_word = continuing_tokens(tokenizer)
    if len(ids) and int(np.max(ids)) >= len(is_word):
        raise ValueError(f"encoder={encoder_directory} has another vocabulary than the held-out documents' tokenizer")
    if target_ids is None:
        is_target = content_words(ids, is_word, num_frequent)
    else:
        is_target = np.isin(np.arange(len(is_word)), target_ids)
    offsets, limits = (sentence_offsets, document_offsets), (targets_per_input, max_inputs)
    targets = choose_targets(ids, *offsets, layout.single_room, is_target, continues_word, *limits)
    if not len(targets.place):
        raise ValueError(f"in_context_recall: no word stands twice in a held-out input of {layout.max_length} tokens")
    gain, predicted = _measure(model, targets, layout)
    metrics = _metrics(targets, gain, predicted, "")
    if in_range_tokens is not None:
        room = min(in_range_tokens, layout.max_length) - 2
        near = choose_targets(ids, *offsets, room, is_target, continues_word, *limits)
        metrics |= _metrics(near, *_measure(model, near, layout), "_in_range") if len(near.place) else {}
    words = [str(tokenizer.convert_ids_to_tokens(token)) for token in predicted.tolist()]
    return _outcome(targets, predicted, words, metrics, time.perf_counter() - started)


def _outcome(
    targets: RecallTargets, predicted: np.ndarray, words: list[str], metrics: dict[str, float], seconds: float
) -> TaskOutcome:
    """Chance is one in the number of different targets; majority always gives the commonest of them."""
    expected = targets.expected()
    counts = np.unique(expected, return_counts=True)[1]
    example_ids = [str(place) for place in targets.start[targets.input] + targets.place]
    scored = Scored(
        accuracy_scores(predicted, expected), dict(zip(example_ids, words, strict=True)), metrics, "accuracy"
    )
    baselines = Baselines(1 / len(counts), float(counts.max() / counts.sum()), None)
    return outcome(scored, example_ids, baselines, updates=0, seconds=seconds)


def _metrics(targets: RecallTargets, gain: np.ndarray, predicted: np.ndarray, suffix: str) -> dict[str, float]:
    metrics = {
        f"accuracy{suffix}": float((predicted == targets.expected()).mean()),
        f"recall_gain{suffix}": float(gain.mean()),
        f"num_targets{suffix}": float(len(gain)),
    }
    if (error := standard_error(gain, targets.input)) is not None:
        metrics[f"recall_gain_standard_error{suffix}"] = error
    return metrics


def _measure(model: PreTrainedModel, targets: RecallTargets, layout: InputLayout) -> tuple[np.ndarray, np.ndarray]:
    """Return each target's recall gain (N,) float64 and the top prediction (N,) int64 with its copies visible."""
    lengths = np.array([len(targets.inputs[number]) + 2 for number in targets.input])
    asked = MaskedPlaces(np.arange(len(lengths)), targets.place + 1, targets.expected())

    def score(masks_copies: bool) -> tuple[np.ndarray, np.ndarray]:
        def make_input(number: int) -> np.ndarray:
            tokens, place = targets.inputs[targets.input[number]].copy(), targets.place[number]
            tokens[tokens == tokens[place] if masks_copies else place] = layout.mask
            return np.array([layout.cls, *tokens, layout.sep])

        return score_places(model, layout.pad, make_input, lengths, asked)

    (seen, predicted), (unseen, _) = score(masks_copies=False), score(masks_copies=True)
    return seen - unseen, predicted
