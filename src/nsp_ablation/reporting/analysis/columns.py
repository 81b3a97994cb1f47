"""Columns of the table: tasks in the paper's order, and how each metric is written."""

from dataclasses import dataclass

# Titles of (task, metric), in the order of the paper's table 2, then the other tasks and probes.
_TITLES = {
    ("squad1", "f1"): ("SQuAD 1.1", "F1"),
    ("squad2", "f1"): ("SQuAD 2.0", "F1"),
    ("mnli", "accuracy"): ("MNLI-m", "acc."),
    ("sst2", "accuracy"): ("SST-2", "acc."),
    ("race", "accuracy"): ("RACE", "acc."),
    ("mnli_mismatched", "accuracy"): ("MNLI-mm", "acc."),
    ("in_context_recall", "accuracy"): ("Recall", "acc."),
    ("in_context_recall", "recall_gain"): ("Recall", "gain, nats"),
    ("context_gain", "context_gain"): ("Context", "gain, nats"),
    ("heldout_mlm", "perplexity"): ("Held-out MLM", "ppl"),
    ("blimp", "accuracy"): ("BLiMP", "acc."),
}
_TASKS = list(dict.fromkeys(task for task, _ in _TITLES))
# Further metrics that have a column of their own beside the primary one.
_SECOND_METRICS = {"in_context_recall": "recall_gain"}


@dataclass(frozen=True)
class Column:
    """One column: a metric of a task."""

    task: str
    metric: str

    @property
    def title(self) -> str:
        """The task's name in the paper."""
        return _TITLES.get((self.task, self.metric), (self.task.replace("_", " "), ""))[0]

    @property
    def unit(self) -> str:
        """What the numbers are: F1, acc., nats, ..."""
        return _TITLES.get((self.task, self.metric), ("", self.metric.replace("_", " ")))[1]

    def scaled(self, value: float) -> float:
        """Return a value as it is printed: percent, or as it is for perplexity and nats."""
        return printed(self.metric, value)

    def text(self, value: float | None) -> str:
        """Return a value as text, a dash for a missing one."""
        if value is None:
            return "–"
        text = f"{self.scaled(value):.1f}" if is_fraction(self.metric) else f"{value:.2f}"
        return text.replace("-", "−")


def is_fraction(metric: str) -> bool:
    """Say whether a metric is a fraction, printed in percent; counts, perplexity, losses and gains in nats are not."""
    return not metric.startswith("num_") and not any(word in metric for word in ("perplexity", "gain", "loss", "nats"))


def printed(metric: str, value: float) -> float:
    """Return a metric's value in percent, or as it is where it is no fraction."""
    return 100 * value if is_fraction(metric) else value


def task_order(task: str) -> tuple[int, str]:
    """Return the sort key of a task: the paper's order, then the alphabet."""
    return (_TASKS.index(task) if task in _TASKS else len(_TASKS), task)


def columns_of(task: str, primary_metric: str, metrics: list[str]) -> list[Column]:
    """Return the columns of a task: its primary metric, and a second one where it has one that was measured."""
    second = _SECOND_METRICS.get(task)
    names = [primary_metric, *([second] if second in metrics and second != primary_metric else [])]
    return [Column(task, name) for name in names]
