"""A training that is complete, or a result, as dashboards show it: from our own files alone."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.learning_curves import CurveLine, curve_line
from nsp_ablation.reporting.records.curve_file import CurvePoint
from nsp_ablation.reporting.records.data_card import DataCard
from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.render.run_figures import lengths_figure, points_figure, scores_histogram

FINAL, FACTS, EVALUATION = "final/", "facts/", "evaluation/"


@dataclass(frozen=True)
class RunNames:
    """What a run is: `id` is that of the thing that is trained, whoever shows it and when; `group` is the experiment
    and the cell; `config` holds the settings, and `experiment`, `cell`, `arm`, `condition` and `science`, by which runs
    of several seeds are put together."""

    id: str
    name: str
    group: str
    job_type: str
    tags: list[str]
    config: dict[str, Any]


@dataclass(frozen=True)
class FinishedRun:
    """points: the curves, by update and real tokens. summary: final scores (`final/...`), numbers of the run
    (`facts/...`) and texts. figures: SVG by name. pages: HTML by name. tables: rows of one set of columns, by name, for
    what adds up or sorts them: wandb keeps these outside of the run's directory until they are sent."""

    names: RunNames
    points: list[CurvePoint]
    summary: dict[str, Any]
    figures: dict[str, str]
    pages: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def record_run_id(record_id: str) -> str:
    """Return the id of the run of a record."""
    return fingerprint(["finetuning", record_id])


def encoder_run(
    names: RunNames, facts: dict[str, Any], log: list[CurvePoint], curve: list[CurvePoint], card: DataCard | None
) -> FinishedRun:
    """Return the run of an encoder that was trained here.

    facts: its `pretraining.json`. log: what its training logged, curve: its learning curve, which may be asked for, and
    measured, later.
    """
    measured = [_named(point, EVALUATION) for point in curve]
    last = curve[-1].metrics if curve else {}
    numbers = {f"{FACTS}{name}": value for name, value in facts["pretraining"].items() if value is not None}
    figures = {"lengths": lengths_figure(facts["tokens_at_positions"]), "curve": points_figure(_by_metric(curve))}
    final = {f"{FINAL}{name}": value for name, value in last.items()}
    return FinishedRun(names, _merged(log, measured), {**numbers, **final}, drawn(figures), _card_page(card))


def result_run(
    names: RunNames, record: ResultRecord, log: list[CurvePoint], examples: ExampleScores, card: DataCard | None
) -> FinishedRun:
    """Return the run of a fine-tuning or a probe, its scores by `final/<task>.<metric>`, as curves name them."""
    assert record.metrics is not None
    final = {f"{FINAL}{record.task}.{name}": value for name, value in record.metrics.items()}
    beside = {"chance": record.chance, "majority": record.majority, "bag_of_words": record.bag_of_words}
    numbers: dict[str, Any] = {"num_examples": record.num_examples, **beside}
    if record.finetuning is not None:
        numbers |= {"updates": record.finetuning.updates, "seconds": record.finetuning.seconds}
    told = {f"{FACTS}{name}": value for name, value in numbers.items() if value is not None}
    figure = scores_histogram(
        examples.scores.tolist(), f"{record.task}: scores of examples", str(record.primary_metric)
    )
    summary = {**final, **told, "record": record.id, "primary_metric": record.primary_metric}
    return FinishedRun(names, log, summary, drawn({"scores": figure}), _card_page(card))


def _by_metric(curve: list[CurvePoint]) -> list[tuple[Column, CurveLine]]:
    """Return the line of each metric that was measured; its name is the title."""
    names = dict.fromkeys(name for point in curve for name in point.metrics)
    columns = [Column(task, metric, name) for name in names for task, _, metric in [name.rpartition(".")]]
    return [(column, line) for column in columns if (line := curve_line(curve, column)) is not None]


def drawn(figures: Mapping[str, str | None]) -> dict[str, str]:
    """Return the figures that show something."""
    return {name: svg for name, svg in figures.items() if svg is not None}


def _card_page(card: DataCard | None) -> dict[str, str]:
    if card is None:
        return {}
    rows = [[line.title, line.text, line.verdict] for line in card.lines]
    cells = ["".join(f"<td>{html.escape(text)}</td>" for text in row) for row in rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in cells)
    head = '<meta charset="utf-8"><style>body{font:14px sans-serif}td{padding:.2em 1em .2em 0}</style>'
    return {"data_card": f"<!doctype html>{head}\n<table>\n{body}\n</table>\n"}


def _named(point: CurvePoint, prefix: str) -> CurvePoint:
    return replace(point, metrics={f"{prefix}{name}": value for name, value in point.metrics.items()})


def _merged(log: Iterable[CurvePoint], measured: Iterable[CurvePoint]) -> list[CurvePoint]:
    """Return the points of both by update, with the metrics of either."""
    points: dict[int, CurvePoint] = {}
    for point in [*log, *measured]:
        before = points[point.update].metrics if point.update in points else {}
        points[point.update] = replace(point, metrics=before | point.metrics)
    return [points[update] for update in sorted(points)]
