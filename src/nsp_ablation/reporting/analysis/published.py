"""Published tables: one YAML file each, beside which our rows stand."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.output_options import PUBLISHED
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.records.record import Condition


@dataclass(frozen=True)
class PublishedRow:
    """One row. `scores` maps tasks to printed values (percent); what the paper leaves empty is missing.

    `condition` are the values of a condition that the row describes, `scale` those that it has at full size besides;
    `encoder` names the hub's encoder that it describes.
    """

    label: str
    scores: dict[str, float]
    condition: dict[str, Any] = field(default_factory=dict)
    scale: dict[str, Any] = field(default_factory=dict)
    encoder: str | None = None

    def describes(self, arm: StudyArm) -> bool:
        """Say whether this row is the published counterpart of an arm, at whatever scale."""
        if arm.kind == "trained":
            return bool(self.condition) and _has(arm.condition, self.condition)
        return arm.kind == "external" and self.encoder is not None and Path(arm.encoder or "").name == self.encoder


@dataclass(frozen=True)
class PublishedTable:
    """A published table. `metrics` are those of its tasks; `scale` are values of a condition that all its rows have.

    `varies` are the values of a condition in which its rows differ: it is chosen where trained arms differ in these
    alone, and the default table where none fits.
    """

    title: str
    source: str
    statistic: str
    metrics: dict[str, str]
    scale: dict[str, Any]
    rows: list[PublishedRow]
    varies: list[str] = field(default_factory=list)
    is_default: bool = False

    def score(self, row: PublishedRow | None, task: str, metric: str) -> float | None:
        """Return a row's score as a fraction, None where there is none."""
        value = row.scores.get(task) if row and self.metrics.get(task) == metric else None
        return None if value is None else value / 100

    def row_of(self, arm: StudyArm) -> PublishedRow | None:
        """Return the row that describes an arm, None if there is none."""
        return next((row for row in self.rows if row.describes(arm)), None)


def read_tables(directory: Path = PUBLISHED) -> dict[str, PublishedTable]:
    """Return the published tables by the names of their files. Raises InputError naming a malformed file."""
    from omegaconf import OmegaConf

    tables = {}
    for path in sorted(directory.glob("*.yaml")):
        data: Any = OmegaConf.to_container(OmegaConf.load(path))
        try:
            tables[path.stem] = PublishedTable(**data | {"rows": [PublishedRow(**row) for row in data["rows"]]})
        except (TypeError, KeyError) as error:
            raise InputError(f"{path} is no published table: {error}") from error
    return tables


def published_names(condition: Condition) -> list[str]:
    """Return "table, row" of each published row whose condition and scale this is: the cells that it repeats."""
    return [
        f"{table.title}, {row.label}"
        for table in read_tables().values()
        for row in table.rows
        if row.condition and _has(condition, table.scale | row.scale | row.condition)
    ]


def _has(condition: Condition, values: dict[str, Any]) -> bool:
    return all(getattr(condition, name) == value for name, value in values.items())


def table_to_show(arms: list[StudyArm], tasks: list[str], asked: str | None) -> PublishedTable | None:
    """Return the published table that stands beside these arms and tasks, None for none.

    `asked` is a table's name, `none`, or None to choose by what varies. Nothing published stands beside the
    micro-world, beside nothing, or unasked beside tasks that the table does not have. Raises InputError where there
    is no table of that name.
    """
    tables = read_tables()
    if asked not in (None, "none", *tables):
        raise InputError(f"report.published={asked}: no such table; allowed: none, {', '.join(tables)}")
    if asked == "none" or not arms or any(arm.condition.corpus == "microworld" for arm in arms):
        return None
    if asked is not None:
        return tables[asked]
    trained = [arm.condition for arm in arms if arm.kind == "trained"]
    names = {name for table in tables.values() for name in table.varies}
    varying = {name for name in names if len({getattr(condition, name) for condition in trained}) > 1}
    fitting = [table for table in tables.values() if varying and varying <= set(table.varies)]
    chosen = next(iter([*fitting, *(table for table in tables.values() if table.is_default)]), None)
    return chosen if chosen and set(tasks) & set(chosen.metrics) else None
