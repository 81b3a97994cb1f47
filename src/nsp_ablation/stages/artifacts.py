"""`stage=artifacts`: what lies under paths.artifacts, which records use it; deletes what none uses where asked to."""

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
    folders = [RecordFolder(path.parent) for path in sorted(Path(config.paths.results).rglob("records"))]
    used_by = ((key, record.made_from or []) for folder in folders for key, record in folder.all().items())
    items = take_inventory(Path(config.paths.artifacts), used_by)
    for item in items:
        say("artifacts", f"{item.name:<28} {_size(item.num_bytes):>9}  {_use(item)}")
    unused = [item for item in items if not item.records]
    say("artifacts", f"{len(items)} artifacts, {_size(sum(item.num_bytes for item in items))}; {_sum(unused)} unused")
    if config.artifacts.delete_unused:
        say("artifacts", f"deleted {_sum(delete_unused(items))}")


def _use(item: Item) -> str:
    if item.records:
        return f"{len(item.records)} record{'s' if len(item.records) > 1 else ''}, {min(item.records)}"
    return "no record" if item.inputs is not None else "no record; made by an older version"


def _sum(items: list[Item]) -> str:
    return f"{len(items)} ({_size(sum(item.num_bytes for item in items))})"


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.2f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:.2f} MB"
