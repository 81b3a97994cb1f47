"""Columns of the table: a metric of a task, and how its numbers are written."""

from collections.abc import Mapping
from dataclasses import dataclass

from nsp_ablation.options.metric_source import metric_facts
from nsp_ablation.options.task_options import METRICS
from nsp_ablation.reporting.records.record import ResultRecord


@dataclass(frozen=True)
class Column:
    """One column: a metric of a task, under the task's title."""

    task: str
    metric: str
    title: str

    @property
    def unit(self) -> str:
        """What the numbers are: F1, acc., nats, ..."""
        return metric_facts(self.metric).unit

    @property
    def axis_unit(self) -> str:
        """The unit as an axis of printed values names it."""
        return f"{self.unit}, %" if self.is_fraction else self.unit

    @property
    def difference_unit(self) -> str:
        """What the difference of two printed values is counted in."""
        if self.is_fraction:
            return "points"
        return "nats" if self.is_nats else self.unit

    @property
    def may_be_log(self) -> bool:
        """Whether a logarithmic axis suits the numbers: not a share, nor nats, which are logarithms and may be 0."""
        return not (self.is_fraction or self.is_nats)

    @property
    def decimals(self) -> int:
        """How many are printed of a value: a tenth of a percent, a thousandth of a nat."""
        if self.is_fraction:
            return 1
        return 3 if self.is_nats else 2

    @property
    def measure(self) -> str:
        """Title and unit as one name, in heads and in text."""
        return f"{self.title} {self.unit}".strip()

    @property
    def is_fraction(self) -> bool:
        """Whether the numbers are printed in percent."""
        return metric_facts(self.metric).is_fraction

    @property
    def is_nats(self) -> bool:
        """Whether the numbers are losses or gains in nats."""
        return metric_facts(self.metric).is_nats

    @property
    def is_lower_better(self) -> bool:
        """Whether less is better: losses and perplexity."""
        return metric_facts(self.metric).is_lower_better

    def scaled(self, value: float) -> float:
        """Return a value as it is printed: percent, or as it is where it is no fraction (perplexity, nats)."""
        return 100 * value if self.is_fraction else value

    def unscaled(self, value: float | None) -> float | None:
        """Return a printed value as it is in records: percent as a fraction."""
        return None if value is None else value / self.scaled(1.0)

    def rounded(self, value: float | None) -> float | None:
        """Return a value as it is printed, for programs: .452 is 45.2 and not 45.199999999999996."""
        return None if value is None else round(self.scaled(value), 6)

    def text(self, value: float | None) -> str:
        """Return a value as text, a dash for a missing one."""
        if value is None:
            return "–"
        text = f"{self.scaled(value):.{self.decimals}f}"
        return text.replace("-", "−")


def tasks_in_order(records: Mapping[str, ResultRecord]) -> list[str]:
    """Return the records' tasks in the order of their configurations' `tasks`, others by name at the end."""
    planned = dict.fromkeys(task for record in records.values() for task in record.config.get("tasks", ()))
    found = {record.task for record in records.values()}
    return [task for task in planned if task in found] + sorted(found - set(planned))


def task_title(task: str, records: Mapping[str, ResultRecord]) -> str:
    """Return the title that a configuration gives a task, else its name."""
    settings = (record.config.get("tasks", {}).get(task) or {} for record in records.values())
    return next((found["title"] for found in settings if found.get("title")), task.replace("_", " "))


def columns_of(task: str, title: str, primary_metric: str, metrics: list[str]) -> list[Column]:
    """Return the columns of a task: its primary metric, and each that has a column beside it and was measured."""
    second = [name for name in metrics if name != primary_metric and name in METRICS and METRICS[name].is_second]
    return [Column(task, name, title) for name in (primary_metric, *second)]
