"""Read a task's training or development examples, from its original files or from the hub."""

from pathlib import Path

from nsp_ablation.learning.tasks.glue_files import read_glue
from nsp_ablation.learning.tasks.hub_tasks import read_hub_task
from nsp_ablation.learning.tasks.race_files import read_race
from nsp_ablation.learning.tasks.squad_files import read_squad
from nsp_ablation.learning.tasks.task_spec import Examples, TaskSpec


def read_task(spec: TaskSpec, split: str) -> Examples:
    """Return the examples of one split ("train" or "dev") in file order.

    Raises ValueError, in one line, for a missing, malformed or empty source and for ids that occur twice.
    """
    assert split in ("train", "dev")
    if spec.path is None and spec.hub is None:
        raise ValueError(f"tasks.{spec.name} has neither path nor hub; set tasks.{spec.name}.path=DIR")
    examples = read_hub_task(spec, split) if spec.path is None else _read_files(spec, Path(spec.path), split)
    if not examples:
        raise ValueError(f"tasks.{spec.name}: no {split} examples in {spec.path or spec.hub}")
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise ValueError(f"tasks.{spec.name}: example id {example.id!r} occurs twice in the {split} split")
        seen.add(example.id)
    return examples


def _read_files(spec: TaskSpec, directory: Path, split: str) -> Examples:
    if not directory.is_dir():
        raise ValueError(f"tasks.{spec.name}.path={directory} is not a directory")
    name = spec.train_file if split == "train" else spec.dev_file
    if spec.kind == "multiple_choice":
        return read_race(_race_source(directory, name, split))
    if name is None:
        raise ValueError(f"tasks.{spec.name}.{split}_file is not set; name the file in {directory}")
    if spec.kind == "span_qa":
        return read_squad(directory / name, spec.unanswerable)
    assert spec.kind == "classification", spec
    assert spec.label_column is not None, spec
    return read_glue(directory / name, spec.text_columns, spec.label_column, spec.labels)


def _race_source(directory: Path, name: str | None, split: str) -> Path:
    if name is not None:
        return directory / name
    return directory / split if (directory / split).is_dir() else directory / f"{split}.jsonl"
