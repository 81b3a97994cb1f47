"""`stage=artifacts`: what lies under paths.artifacts, which records use it; deletes what none uses where asked to."""

from collections.abc import Iterator
from pathlib import Path

from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.inventory import Item, delete_unused, take_inventory
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.stages.cell import CellRun


def run(cell: CellRun) -> None:
    """Print a line per artifact: its name, size and records. With `artifacts.delete_unused=true`, delete the rest.

    The records are those of every folder below `paths.results`.
    """
    config = cell.config
    items = take_inventory(Path(config.paths.artifacts), _used_by(Path(config.paths.results)))
    for item in items:
        say("artifacts", f"{item.name:<28} {_size(item.num_bytes):>9}  {_use(item)}")
    unused = [item for item in items if not item.records]
    say("artifacts", f"{len(items)} artifacts, {_size(sum(item.num_bytes for item in items))}; {_sum(unused)} unused")
    if config.artifacts.delete_unused:
        say("artifacts", f"deleted {_sum(delete_unused(items))}")


def _used_by(results: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the id of each record below a results directory, and the names of the artifacts that it was made from."""
    for directory in sorted(results.rglob("records")) if results.is_dir() else []:
        folder = RecordFolder(directory.parent)
        for record_id, record in folder.all().items():
            yield record_id, record.made_from or []


def _use(item: Item) -> str:
    if item.records:
        return f"{len(item.records)} record{'s' if len(item.records) > 1 else ''}, {min(item.records)}"
    return "no record" if item.inputs is not None else "no record; made by an older version"


def _sum(items: list[Item]) -> str:
    return f"{len(items)} ({_size(sum(item.num_bytes for item in items))})"


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.2f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:.2f} MB"
