"""What a metric is computed from: the arrays of a result that hold a number per example."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from nsp_ablation.options.task_facts import MetricFacts
from nsp_ablation.options.task_options import METRICS


@dataclass(frozen=True)
class MetricSource:
    """The function of `base/prediction_metrics.py`, None for the mean, and the names of the arrays that it takes."""

    function: str | None
    arrays: tuple[str, ...]


def metric_facts(metric: str) -> MetricFacts:
    """Return a metric's facts. A variant (`recall_gain_T32`) is like its metric, a count (`num_x`) stands as it is."""
    name = _declared(metric)
    if name == metric:
        return METRICS[metric]
    like = METRICS[name] if name else MetricFacts("", is_fraction=not metric.startswith("num_"))
    return replace(like, unit=metric.replace("_", " "), is_second=False, of_predictions=None, arrays=())


def metric_source(metric: str, items: Collection[str]) -> MetricSource | None:
    """Return how a metric comes from the item arrays of these names; None for a number that does not come from them.

    A count (`num_x`) is the total of the array of its name; any other metric that has such an array is its mean. Else
    it is what METRICS declares; a variant of it (`perplexity_doc`) takes the arrays with its ending (`loss_sum_doc`).
    """
    if metric in items:
        return MetricSource("total" if metric.startswith("num_") else None, (metric,))
    name = _declared(metric)
    if name is None or METRICS[name].of_predictions is None:
        return None
    arrays = tuple(f"{array}{metric.removeprefix(name)}" for array in METRICS[name].arrays)
    return MetricSource(METRICS[name].of_predictions, arrays) if set(arrays) <= set(items) else None


def _declared(metric: str) -> str | None:
    """Return the metric of METRICS that this is, or is a variant of; None for neither."""
    names = [name for name in METRICS if metric == name or metric.startswith(f"{name}_")]
    return max(names, key=len, default=None)
