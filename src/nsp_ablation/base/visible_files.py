"""Which files a path means: one rule for corpora, task files and local data sets.

Hidden files and files in hidden directories never count where a directory or a pattern finds them: what file managers
and archives leave behind (`.DS_Store`, `._x`, `__MACOSX`) is no text. A file that a user names in full counts.
"""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from nsp_ablation.base.errors import InputError

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")  # of a file that is named without it; first bytes decide how it is read
_ARCHIVERS_FOLDER = "__MACOSX"  # macOS puts the files' metadata there when it makes a ZIP archive


def is_hidden(name: str) -> bool:
    """Return whether a file or directory of this name is hidden."""
    return name.startswith(".") or name == _ARCHIVERS_FOLDER


def files_below(path: Path) -> list[Path]:
    """Return a file itself, or the visible files below a directory, sorted by path; nothing where there is neither.

    Raises InputError naming a directory that cannot be listed.
    """
    if path.is_file():
        return [path]
    return sorted(_walk(path)) if path.is_dir() else []


def expand_paths(patterns: str | list[str]) -> list[Path]:
    """Return the visible files of one or several paths, in the order given; a file that several give counts once.

    Each is a file, a directory (all files below it) or a glob (`**` too), whose files are sorted by path. What exists
    is taken as it is spelt, brackets too, before it is a glob. Raises InputError as `files_below` does.
    """
    found = [file for pattern in ([patterns] if isinstance(patterns, str) else patterns) for file in _expand(pattern)]
    return list(dict.fromkeys(found))


def matching_files(directory: Path, pattern: str) -> list[Path]:
    """Return the visible files that a glob gives below an existing directory, whose own name is no part of the glob."""
    names = glob.iglob(pattern, root_dir=directory, recursive=True, include_hidden=True)
    visible = (name for name in names if not any(map(is_hidden, Path(name).parts)))
    return sorted({path for path in map(directory.__truediv__, visible) if path.is_file()})


def named_files(directory: Path, name: str) -> list[Path]:
    """Return what has a name in a directory, as it is spelt, compressed, or as a pattern gives it, in this order."""
    if (directory / name).exists():
        return [directory / name]
    escaped = glob.escape(name)
    compressed = [path for suffix in _COMPRESSED for path in matching_files(directory, f"{escaped}{suffix}")]
    return compressed[:1] or matching_files(directory, name)


def _expand(pattern: str) -> list[Path]:
    given = Path(pattern).expanduser()
    if given.exists():
        return files_below(given)
    base = next(parent for parent in given.parents if parent.exists())
    return matching_files(base, str(given.relative_to(base)))


def _walk(directory: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(directory, onerror=_refuse):
        folders[:] = [name for name in folders if not is_hidden(name)]
        yield from (path for name in names if not is_hidden(name) and (path := Path(parent, name)).is_file())


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename} cannot be listed ({error.strerror}); make it readable") from error
