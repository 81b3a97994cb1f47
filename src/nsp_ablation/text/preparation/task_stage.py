"""A stage of a preparation: steps of the engine that so many tasks take, after all tasks of the stage before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TaskStage:
    """`folder` is where the engine keeps what it knows of the tasks: logs, and which are done."""

    steps: list[Any]
    folder: Path
    num_tasks: int
