"""Minimal pairs (BLiMP, Warstadt et al. 2020), zero-shot: does an encoder find the sound sentence likelier?

A sentence's score is its pseudo-log-likelihood (Salazar et al. 2020): each of its tokens is masked in turn, and the
log-probabilities of the tokens are added up.
"""

import time

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.learning.engine.encoder_directory import InputLayout, load_masked_lm, load_tokenizer, read_layout
from nsp_ablation.learning.probes.masked_places import MaskedPlaces, score_places
from nsp_ablation.learning.tasks.baselines import Baselines
from nsp_ablation.learning.tasks.examples import MinimalPair
from nsp_ablation.learning.tasks.outcome import TaskOutcome, outcome
from nsp_ablation.learning.tasks.scored import Scored


def minimal_pairs(
    encoder_directory: str, pairs: list[MinimalPair], *, name: str, max_length: int, device: str = "cpu"
) -> TaskOutcome:
    """Return how often the encoder prefers the good sentence; a tie counts half, so chance is .5.

    Inputs are [CLS] sentence [SEP], all of token type 0. Scores are 1, .5 or 0, by pair; a prediction is the good
    sentence's pseudo-log-likelihood less the bad one's, in nats. `accuracy_<phenomenon>` stands beside `accuracy`.
    Raises ValueError for a sentence that is empty or longer than `max_length` allows.
    """
    started = time.perf_counter()
    layout = read_layout(encoder_directory, max_length, "as_pretrained")
    backend = load_tokenizer(encoder_directory).backend_tokenizer
    texts = [text for pair in pairs for text in (pair.good, pair.bad)]
    sentences = [
        np.array(encoding.ids, np.int64) for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)
    ]
    for number, sentence in enumerate(sentences):
        if not 0 < len(sentence) <= layout.single_room:
            raise ValueError(
                f"tasks.{name}: a sentence of pair {pairs[number // 2].id} has {len(sentence)} tokens; an input of "
                f"max_length={layout.max_length} holds 1 to {layout.single_room}: raise max_length or mend the pair"
            )
    model = load_masked_lm(encoder_directory).eval().to(device)
    good, bad = np.reshape(pseudo_log_likelihoods(model, sentences, layout), (-1, 2)).T
    scores = np.where(good == bad, 0.5, good > bad)
    metrics = {"accuracy": float(scores.mean()), "num_pairs": float(len(pairs))}
    phenomena = np.array([pair.phenomenon for pair in pairs])
    metrics |= {f"accuracy_{one}": float(scores[phenomena == one].mean()) for one in sorted({*phenomena.tolist()})}
    example_ids = [pair.id for pair in pairs]
    scored = Scored(scores, dict(zip(example_ids, (good - bad).tolist(), strict=True)), metrics, "accuracy")
    return outcome(scored, example_ids, Baselines(0.5, None, None), updates=0, seconds=time.perf_counter() - started)


def pseudo_log_likelihoods(model: PreTrainedModel, sentences: list[np.ndarray], layout: InputLayout) -> np.ndarray:
    """Return the pseudo-log-likelihood (n,) float64 of each sentence's token ids (L,), in nats."""
    counts = np.array([len(sentence) for sentence in sentences])
    sentence_of = np.repeat(np.arange(len(sentences)), counts)
    place = np.arange(len(sentence_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    asked = MaskedPlaces(np.arange(len(sentence_of)), place + 1, np.concatenate(sentences))

    def make_input(number: int) -> np.ndarray:
        row = np.array([layout.cls, *sentences[sentence_of[number]], layout.sep])
        row[place[number] + 1] = layout.mask
        return row

    log_probability, _ = score_places(model, layout.pad, make_input, counts[sentence_of] + 2, asked)
    return np.bincount(sentence_of, log_probability, len(sentences))
