"""Held-out perplexity of masked tokens, a zero-shot measure: one set of inputs under one mask for every encoder.

Each arm's own held-out loss is measured in its own format and does not compare with another's: a SENTENCE-PAIR input
has less context, so its masked tokens are harder (fidelity row 18).
"""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.learning.probes.masked_positions import MaskedPositions, score_positions
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, documents_of
from nsp_ablation.learning.tasks.metrics import metric_values
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.batches.assemble import MaskedFlat, assemble_masked
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure perplexity on inputs of `task.format` with its default options, in corpus order.

    They are those that begin within the first `heldout_tokens`, under one mask drawn by `inputs.seed`; no setting of an
    arm's own format or masking has any part in them. Ids are those of the encoder's own vocabulary, so only encoders of
    one tokenizer compare. An input's cluster is the document that it begins in.
    """
    index, samples = _inputs(inputs, task)
    flat = _masked(inputs, task, index, samples)
    starts = flat.sequence_offsets
    number = np.searchsorted(starts, flat.masked_positions, side="right") - 1
    asked = MaskedPositions(number, flat.masked_positions - starts[number], flat.masked_labels)
    clusters = documents_of(inputs.documents(model.config.vocab_size), index.spans[index.offsets[samples], 0])
    return perplexity(
        model, inputs.layout.pad, np.split(flat.masked_input_ids, starts[1:-1]), asked, clusters, task.name
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return how many inputs have a masked token. Raises NoExamplesError where none has."""
    flat = masked_inputs(inputs, task)
    holding = np.searchsorted(flat.sequence_offsets, flat.masked_positions, side="right")
    if not len(holding):
        raise _no_examples(task.name)
    return len(np.unique(holding))


def _no_examples(name: str) -> NoExamplesError:
    return NoExamplesError(
        f"tasks.{name}: the held-out documents are too few to predict a token; raise corpus.heldout_fraction, or leave "
        "the probe out of tasks"
    )


def masked_inputs(inputs: ProbeInputs, task: TaskOptions) -> MaskedFlat:
    """Return the inputs laid end to end under their mask."""
    return _masked(inputs, task, *_inputs(inputs, task))


def _inputs(inputs: ProbeInputs, task: TaskOptions) -> tuple[SampleIndex, np.ndarray]:
    """Return an index of the held-out documents, and which of its samples (n,) int64 are read."""
    assert inputs.heldout is not None
    assert task.heldout_tokens is not None, "the pipeline gives pretraining.heldout_tokens"
    index = make_format(FormatOptions(task.format), "nsp").index(inputs.heldout, inputs.frame, inputs.seed, 0)
    num_before = np.cumsum(index.lengths()) - index.lengths()
    return index, np.flatnonzero(num_before < task.heldout_tokens)


def _masked(inputs: ProbeInputs, task: TaskOptions, index: SampleIndex, samples: np.ndarray) -> MaskedFlat:
    assert inputs.heldout is not None
    options = MaskingOptions(
        name="static",
        copies=1,
        probability=task.masked_share,
        mask_fraction=task.mask_fraction,
        random_fraction=task.random_fraction,
    )
    return assemble_masked(inputs.heldout, index, inputs.frame, samples, Masks(options, inputs.seed), 1)


def perplexity(
    model: PreTrainedModel,
    pad: int,
    input_ids: Sequence[np.ndarray],
    asked: MaskedPositions,
    clusters: list[str],
    name: str,
) -> Outcome:
    """Return the perplexity of the masked tokens of inputs (L,) int64 each, which lie in `clusters`.

    It is exp of the mean loss over all predictions; an input's score is that of its own predictions, its id its number,
    its prediction its mean loss in nats. Raises NoExamplesError where nothing is to be predicted.
    """
    counts = np.bincount(asked.input, minlength=len(input_ids))
    if not counts.sum():
        raise _no_examples(name)
    lengths = np.array([len(row) for row in input_ids])
    log_probability, _ = score_positions(model, pad, input_ids.__getitem__, lengths, asked)
    kept = np.flatnonzero(counts)
    sums = -np.bincount(asked.input, log_probability, len(counts))[kept]
    items = {"loss_sum": sums, "num_predictions": counts[kept].astype(np.float64)}
    metrics = metric_values(("perplexity", "mlm_loss", "num_predictions"), items)
    example_ids, means = [str(row) for row in kept], sums / counts[kept]
    predictions = dict(zip(example_ids, means.tolist(), strict=True))
    return Outcome(np.exp(means), example_ids, predictions, metrics, [clusters[row] for row in kept], items)
