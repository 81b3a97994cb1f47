"""BLiMP's own files (Warstadt et al. 2020): JSON lines, one file per paradigm or all in one, or the hub's data set."""

from collections.abc import Iterator
from typing import Any

from nsp_ablation.learning.tasks.examples import MinimalPair
from nsp_ablation.learning.tasks.hub_rows import hub_configs, load_hub_rows
from nsp_ablation.learning.tasks.json_files import read_json_lines
from nsp_ablation.learning.tasks.task_reader import split_files
from nsp_ablation.options.task_options import TaskOptions

_LAYOUT = "texts sentence_good, sentence_bad, UID and linguistics_term, and a pairID"


def read_minimal_pairs(task: TaskOptions) -> list[MinimalPair]:
    """Read every pair: of the files of `task.path` by name, else of every configuration of `task.hub`.

    Raises ValueError naming file and line where a pair is malformed, nothing is found, or an id occurs twice.
    """
    pairs: dict[str, MinimalPair] = {}
    for location, row in _hub_rows(task) if task.path is None else _file_rows(task):
        pair = _pair(location, row)
        if pair.id in pairs:
            raise ValueError(f"{location}: pair {pair.id} occurs twice")
        pairs[pair.id] = pair
    if not pairs:
        raise ValueError(f"tasks.{task.name}: no pairs in {task.path or task.hub}")
    return list(pairs.values())


def _file_rows(task: TaskOptions) -> Iterator[tuple[str, Any]]:
    for path in split_files(task, "dev"):
        for number, row in read_json_lines(path):
            yield f"{path}: line {number}", row


def _hub_rows(task: TaskOptions) -> Iterator[tuple[str, Any]]:
    if task.hub is None:
        raise ValueError(f"tasks.{task.name} has neither path nor hub; set tasks.{task.name}.path=DIR")
    for name in [task.hub.name] if task.hub.name else hub_configs(task.name, task.hub):
        for number, row in enumerate(load_hub_rows(task.name, task.hub, task.hub.split, name)):
            yield f"{task.hub.path} {name}: row {number}", row


def _pair(location: str, row: Any) -> MinimalPair:
    values = row if isinstance(row, dict) else {}
    number = "pairID" if "pairID" in values else "pair_id"  # the files' name and the hub's
    for name in ("UID", number, "sentence_good", "sentence_bad", "linguistics_term"):
        if not isinstance(values.get(name), str if name != number else str | int):
            raise ValueError(f"{location}: {name} is {values.get(name)!r}; a row of BLiMP has {_LAYOUT}")
    sentences = values["sentence_good"], values["sentence_bad"]
    return MinimalPair(f"{values['UID']}-{values[number]}", *sentences, values["linguistics_term"])
