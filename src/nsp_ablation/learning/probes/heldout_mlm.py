"""Held-out loss of masked tokens, a zero-shot measure: one set of tokens under one mask in every layout.

Each arm's own held-out loss is measured in its own format and does not compare with another's. Here all arms read the
same documents in three layouts (fidelity row 18): as of FULL, of DOC, and as a pair in the arm's own separators and
token types; each in inputs of T tokens, of `short_tokens`, in range, and of single sentences. An effect of the format
is claimed only where it holds in the pair layout too.
"""

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.randomness import sample_key
from nsp_ablation.learning.probes.laid_out_store import LaidOutStore, lay_out
from nsp_ablation.learning.probes.masked_positions import MaskedPositions, score_positions
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, documents_of
from nsp_ablation.learning.tasks.metrics import metric_values
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.probe_options import LAYOUTS, MIN_PAIR_LENGTH, SENTENCE_SIZE, measured_name
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings, never_masked
from nsp_ablation.text.store.token_store import TokenStore


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure the loss in every layout and size; `perplexity` and `mlm_loss` are those of `task.layout` at T.

    The documents are those that begin within the first `heldout_tokens`; no setting of an arm's own format or masking
    has any part in them. An example, and a cluster, is a document; its id is its number, its score its own perplexity,
    its prediction its mean losses in nats. Ids are those of the encoder's own vocabulary, so only encoders of one
    tokenizer compare. Raises NoExamplesError where no token is masked.
    """
    inputs.documents(model.config.vocab_size)
    store, masked = _masked_documents(inputs, task)
    documents = np.array(documents_of(store, masked.positions), np.int64)
    kept, document = np.unique(documents, return_inverse=True)
    num_predictions = np.bincount(document).astype(np.float64)
    items: dict[str, np.ndarray] = {}
    for name, laid_out in laid_out_stores(inputs, task, store).items():
        sums = np.bincount(document, _losses(model, inputs, masked, laid_out))
        items |= {f"loss_sum_{name}": sums, f"num_predictions_{name}": num_predictions}
    items |= {array: items[f"{array}_{task.layout}"] for array in ("loss_sum", "num_predictions")}
    measured = [array.removeprefix("loss_sum") for array in items if array.startswith("loss_sum")]
    metrics = metric_values(["perplexity", *(f"mlm_loss{name}" for name in measured)], items)
    example_ids = [str(number) for number in kept]
    means = {name: items[f"loss_sum{name}"] / num_predictions for name in measured}
    by_document = ({name.removeprefix("_"): float(values[n]) for name, values in means.items() if name} for n in kept)
    return Outcome(
        scores=np.exp(means[""]),
        example_ids=example_ids,
        predictions=dict(zip(example_ids, by_document, strict=True)),
        metrics=metrics | {"num_predictions": float(num_predictions.sum())},
        clusters=example_ids,
        items=items,
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return how many documents have a masked token. Raises NoExamplesError where none has."""
    store, masked = _masked_documents(inputs, task)
    return len({*documents_of(store, masked.positions)})


def laid_out_stores(inputs: ProbeInputs, task: TaskOptions, store: TokenStore) -> dict[str, LaidOutStore]:
    """Return the documents in every layout and size, by `measured_name`; sizes of T or more are left out."""
    sizes: dict[str, int | str] = {"": inputs.layout.max_length}
    shorter = {"short": task.short_tokens, "in_range": inputs.in_range_length(task)}
    sizes |= {size: tokens for size, tokens in shorter.items() if tokens and tokens < inputs.layout.max_length}
    sizes |= {SENTENCE_SIZE: SENTENCE_SIZE}
    found = {}
    for name, facts in LAYOUTS.items():
        for size, tokens in sizes.items():
            room = inputs.layout.max_length if isinstance(tokens, str) else tokens
            is_too_short = facts.is_pair and room < MIN_PAIR_LENGTH
            if is_too_short or (facts.crosses_documents and size == SENTENCE_SIZE):  # a single sentence is as of DOC
                continue
            separators = inputs.layout.pair_separators
            found[measured_name(name, size)] = lay_out(store, inputs.frame, name, tokens, separators)
    return found


@dataclass(frozen=True)
class MaskedTokens:
    """The store's tokens ids (T,) int64 with their replacements, and the positions (M,) and ids (M,) to predict."""

    ids: np.ndarray
    positions: np.ndarray
    expected: np.ndarray


def _masked_documents(inputs: ProbeInputs, task: TaskOptions) -> tuple[TokenStore, MaskedTokens]:
    """Return the documents that are read, and one mask of their tokens, drawn by `inputs.seed` for each document."""
    assert inputs.heldout is not None
    assert task.heldout_tokens is not None, "the pipeline gives pretraining.heldout_tokens"
    if LAYOUTS[task.layout].is_pair and inputs.layout.max_length < MIN_PAIR_LENGTH:
        raise NoExamplesError(
            f"tasks.{task.name}.layout={task.layout}: pairs need max_length={MIN_PAIR_LENGTH}; take another layout"
        )
    borders = np.asarray(inputs.heldout.sentence_offsets)[np.asarray(inputs.heldout.document_offsets)]
    store = inputs.heldout.part(0, int(np.searchsorted(borders[:-1], task.heldout_tokens)))
    options = MaskingOptions(
        name="static",
        copies=1,
        probability=task.masked_share,
        mask_fraction=task.mask_fraction,
        random_fraction=task.random_fraction,
    )
    masks, ids = Masks(options, inputs.seed), np.asarray(store.ids).astype(np.int64)
    keys = sample_key(np.full(1, masks.epoch_key(1)), np.arange(store.num_documents, dtype=np.uint64))
    special, settings = np.isin(ids, never_masked(inputs.frame)), mask_settings(inputs.frame, masks)
    masked = MaskedTokens(*mask_kernel(ids, special, borders[: store.num_documents + 1], keys, *settings))
    if not len(masked.positions):
        raise NoExamplesError(
            f"tasks.{task.name}: the held-out documents are too few to predict a token; raise corpus.heldout_fraction, "
            "or leave the probe out of tasks"
        )
    return store, masked


def _losses(model: PreTrainedModel, inputs: ProbeInputs, masked: MaskedTokens, laid_out: LaidOutStore) -> np.ndarray:
    """Return the loss (M,) float64, in nats, of every masked token in a layout."""
    asked = MaskedPositions(*laid_out.places(masked.positions), masked.expected)
    make_input, second = laid_out.input_maker(masked.ids, inputs.layout), laid_out.second_segments(inputs.layout)
    return -score_positions(model, inputs.layout.pad, make_input, laid_out.lengths, asked, second)[0]
