"""The cells whose numbers a paper prints, and the command that runs a cell alone."""

import shlex

from nsp_ablation.config.identity import condition
from nsp_ablation.config.schema import Config
from nsp_ablation.reporting.analysis.published import published_names
from nsp_ablation.reporting.records.record import Condition


def published_cell(config: Config) -> str | None:
    """Return the table and row of each published number that a configuration repeats at full size, None for none."""
    return "; ".join(published_names(Condition(**condition(config)))) or None


def command(overrides: list[str]) -> str:
    """Return the command that runs one cell for good; `overrides` are those of the cell within its sweep."""
    words = [word for word in overrides if word != "stage=cost" and not word.startswith("trainer.dry_run")]
    plain = [word.replace("'", "") if word.startswith("batch=") else word for word in words]  # run.py quotes numbers
    return shlex.join(["python", "run.py", *plain])
