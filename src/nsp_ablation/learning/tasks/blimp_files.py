"""BLiMP's own files (Warstadt et al. 2020): JSON lines, one file a paradigm or all in one, or the hub's data set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nsp_ablation.learning.tasks.examples import MinimalPair
from nsp_ablation.learning.tasks.hub_tasks import hub_configs, load_hub_rows
from nsp_ablation.learning.tasks.json_files import read_json_lines
from nsp_ablation.learning.tasks.task_spec import TaskSpec

_LAYOUT = "texts sentence_good, sentence_bad, UID and linguistics_term, and a pairID"


def read_minimal_pairs(spec: TaskSpec) -> list[MinimalPair]:
    """Read every pair: of the `*.jsonl` files of `spec.path` by name, else of every configuration of `spec.hub`.

    Raises ValueError naming file and line where a pair is malformed, nothing is found, or an id occurs twice.
    """
    pairs: dict[str, MinimalPair] = {}
    for place, row in _hub_rows(spec) if spec.path is None else _file_rows(spec.name, Path(spec.path)):
        pair = _pair(place, row)
        if pair.id in pairs:
            raise ValueError(f"{place}: pair {pair.id} occurs twice")
        pairs[pair.id] = pair
    if not pairs:
        raise ValueError(f"tasks.{spec.name}: no pairs in {spec.path or spec.hub}")
    return list(pairs.values())


def _file_rows(task: str, directory: Path) -> Iterator[tuple[str, Any]]:
    files = sorted(directory.glob("*.jsonl"))
    if not files:
        raise ValueError(f"tasks.{task}.path={directory} holds no .jsonl file of minimal pairs")
    for path in files:
        for number, row in read_json_lines(path):
            yield f"{path}: line {number}", row


def _hub_rows(spec: TaskSpec) -> Iterator[tuple[str, Any]]:
    if spec.hub is None:
        raise ValueError(f"tasks.{spec.name} has neither path nor hub; set tasks.{spec.name}.path=DIR")
    for name in [spec.hub.name] if spec.hub.name else hub_configs(spec.name, spec.hub):
        for number, row in enumerate(load_hub_rows(spec.name, spec.hub, spec.hub.split, name)):
            yield f"{spec.hub.path} {name}: row {number}", row


def _pair(place: str, row: Any) -> MinimalPair:
    values = row if isinstance(row, dict) else {}
    number = "pairID" if "pairID" in values else "pair_id"  # the files' name and the hub's
    for name in ("UID", number, "sentence_good", "sentence_bad", "linguistics_term"):
        if not isinstance(values.get(name), str if name != number else str | int):
            raise ValueError(f"{place}: {name} is {values.get(name)!r}; a row of BLiMP has {_LAYOUT}")
    sentences = values["sentence_good"], values["sentence_bad"]
    return MinimalPair(f"{values['UID']}-{values[number]}", *sentences, values["linguistics_term"])
