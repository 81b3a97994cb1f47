"""What lies under paths.artifacts, which records use it, and the deletion of what none uses."""

import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from nsp_ablation.base.artifact import read_json, remove_artifact
from nsp_ablation.base.kernel_locks import LockHeldError
from nsp_ablation.base.owned_paths import locked
from nsp_ablation.pipeline.chain import LINK_FILE, MAKERS
from nsp_ablation.text.preparation.task_states import TASKS_LOCK, task_folders

_NAME = re.compile(r"[0-9a-f]{16}(\.at|\.shards)?")  # an artifact, exports on its way, shards of a killed preparation
_CARD_NAME = re.compile(r"[0-9a-f]{16}\.json")  # a data card, which is a file


@dataclass
class Item:
    """An artifact on disk: `name` is `<kind>/<key>`, `inputs` the names of what it was made from (None: not known, as
    for an artifact of an older version), `records` the ids of the records that need it."""

    name: str
    directory: Path
    num_bytes: int
    inputs: list[str] | None
    records: set[str] = field(default_factory=set)


def take_inventory(root: Path, used_by: Iterable[tuple[str, list[str]]]) -> list[Item]:
    """Return every artifact below `root`, by kind and size, with the records that need it, directly or through another,
    and a learning curve with those of its encoder.

    `used_by` yields (record id, names of the artifacts that it was made from).
    """
    items = {item.name: item for kind in MAKERS for item in _items(root, kind)}
    for record, names in used_by:
        waiting = list(names)
        while waiting:
            item = items.get(waiting.pop())
            if item is not None and record not in item.records:
                item.records.add(record)
                waiting += item.inputs or []
    for item in items.values():
        if item.name.startswith("curves/"):  # no record is made from it, but it is of an encoder
            item.records |= {record for name in item.inputs or [] if name in items for record in items[name].records}
    return sorted(items.values(), key=lambda item: (list(MAKERS).index(item.name.split("/")[0]), -item.num_bytes))


def delete_unused(items: list[Item]) -> list[Item]:
    """Delete the artifacts that no record needs and nobody is building, and return them.

    Of a directory the files go that were built, and the logs of tasks; one that somebody else laid there stays, with
    its directory.
    """
    deleted = []
    for item in [item for item in items if not item.records]:
        with suppress(LockHeldError), ExitStack() as locks:
            for lock in _locks(item.directory):
                locks.enter_context(locked(lock, timeout_seconds=0))
            if item.directory.is_file():
                item.directory.unlink()
            else:
                for folder in task_folders(item.directory):
                    shutil.rmtree(folder)
                remove_artifact(item.directory)
            deleted.append(item)
    return deleted


def _locks(directory: Path) -> list[Path]:
    """Return the files that whoever makes an artifact holds, of shards those of tasks too."""
    own = directory.with_name(f"{directory.name[:16]}.lock")
    of_tasks = directory / TASKS_LOCK
    return [own, of_tasks] if of_tasks.is_file() else [own]


def _items(root: Path, kind: str) -> list[Item]:
    directory = root / kind
    if not directory.is_dir() or directory.is_symlink():
        return []
    names = (path for path in sorted(directory.iterdir()) if _NAME.fullmatch(path.name))
    ours = [path for path in names if path.is_dir() and not path.is_symlink()]
    if kind == "cards":
        files = (path for path in sorted(directory.iterdir()) if _CARD_NAME.fullmatch(path.name))
        ours += [path for path in files if path.is_file() and not path.is_symlink()]
    return [Item(f"{kind}/{path.name.removesuffix('.json')}", path, _num_bytes(path), _inputs(path)) for path in ours]


def _num_bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _inputs(path: Path) -> list[str] | None:
    """Return what an artifact was made from, which a directory has in a file of its own, and a card in itself."""
    file = path if path.is_file() else path / LINK_FILE
    return list(read_json(file)["inputs"]) if file.is_file() else None
