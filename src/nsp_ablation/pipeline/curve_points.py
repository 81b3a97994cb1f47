"""The points of a learning curve: after which updates, and what is measured there on held-out documents."""

import math
from functools import cached_property

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.learning.pretraining.evaluations import NO_EVALUATIONS, Evaluations, Measured
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.learning.probes.probe_inputs import ProbeInputs, probe_of
from nsp_ablation.options.task_options import METRICS
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.curves import Curve
from nsp_ablation.pipeline.encoders import TrainedEncoder
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.pipeline.heldout_inputs import own_heldout_loss
from nsp_ablation.pipeline.probe_data import probe_inputs
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.reporting.records.curve_file import CurvePoint
from nsp_ablation.samples.batches.accounting import TokenCount, tokens_read

_PAIR_METRICS = {"mlm_nsp": "nsp_accuracy", "mlm_sop": "sop_accuracy"}


def evaluated_updates(asked: list[int], tokens_per_update: float, num_updates: int) -> list[int]:
    """Return after which updates of a training is measured: by then the tokens asked for are read; and the last one.

    `tokens_per_update` is their mean. Points beyond the end are none; without any asked for there is no curve.
    """
    updates = {math.ceil(tokens / tokens_per_update) for tokens in asked}
    return sorted({*(update for update in updates if update < num_updates), num_updates}) if asked else []


def evaluations_of(
    encoder: TrainedEncoder, feed: OpenFeed, model: PretrainingModel, layout: InputLayout | None
) -> Evaluations:
    """Return what is measured of a model while it is trained; `layout` is that of its export, None on a rank that
    measures nothing.

    Raises InputError where there is nothing to measure.
    """
    pretraining = encoder.config.pretraining
    updates = evaluated_updates(pretraining.evaluate_at, feed.size.mean_tokens, pretraining.max_steps)
    if not updates:
        return NO_EVALUATIONS
    if layout is None:
        return Evaluations(frozenset(updates), NO_EVALUATIONS.measure)
    end = tokens_read(feed.plan, pretraining.max_steps)
    if beyond := [tokens for tokens in pretraining.evaluate_at if tokens > end]:
        late = ", ".join(f"{tokens:,}" for tokens in sorted(beyond))
        say("pretrain", f"the curve ends with the training, at {end:,} tokens, before pretraining.evaluate_at={late}")
    return Evaluations(frozenset(updates), _Measure(encoder, feed, model, layout))


def curve_points(feed: OpenFeed, measured: Measured) -> list[CurvePoint]:
    """Return what was measured with the real tokens that were read by then."""
    tokens = TokenCount(feed.plan)
    return [CurvePoint(update, tokens(update), values) for update, values in sorted(measured.items())]


class _Measure:
    """The held-out loss in the arm's own inputs, and the probes of held-out documents among the tasks, as of an export:
    a last point is what the records of the encoder hold."""

    def __init__(self, encoder: TrainedEncoder, feed: OpenFeed, model: PretrainingModel, layout: InputLayout) -> None:
        self._encoder, self._feed, self._model, self._layout = encoder, feed, model, layout
        self._tasks = Curve(encoder.root, encoder).tasks()
        if not self._tasks and feed.heldout_index is None:
            raise InputError(
                "pretraining.evaluate_at: the held-out documents make no input of the format, so there is nothing to "
                "measure; raise corpus.heldout_fraction, or add a probe of held-out documents to tasks"
            )

    def __call__(self, update: int) -> dict[str, float]:
        values = self._own_losses()
        for task, inputs in self._inputs:
            outcome = probe_of(task.options).measure(self._model.hf, inputs, task.options)
            values |= {f"{task.options.name}.{name}": value for name, value in outcome.metrics.items()}
        shown = [f"{name} {value:.3f}" for name, value in values.items() if name.split(".")[-1] in METRICS]
        say("pretrain", f"held-out documents after update {update}: {', '.join(shown)}")
        return values

    def _own_losses(self) -> dict[str, float]:
        config = self._encoder.config
        heldout = own_heldout_loss(config, self._feed, self._model)
        if heldout is None:
            return {}
        values = {"mlm_loss": heldout.mlm_loss}
        if heldout.pair_accuracy is not None:
            values[_PAIR_METRICS[resolved_objective(config)]] = heldout.pair_accuracy
        return values

    @cached_property
    def _inputs(self) -> list[tuple[TaskData, ProbeInputs]]:
        encoder, tokenizer = self._encoder, self._encoder.stores.vocabulary.make()
        return [
            (task, probe_inputs(encoder.config, encoder.stores, task, tokenizer, self._layout)) for task in self._tasks
        ]
