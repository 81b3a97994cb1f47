"""What `corpus.path` names: a file, a directory or a glob."""

import glob
from pathlib import Path


def expand(pattern: str) -> list[Path]:
    """Return the files of a file's path, a directory (all files below it) or a glob (`**` too), sorted by path.

    Hidden files and files in hidden directories are left out of a directory. Raises ValueError where nothing matches.
    """
    place = Path(pattern).expanduser()
    if place.is_file():
        return [place]
    if place.is_dir():
        found = [path for path in place.rglob("*") if not _is_hidden(path.relative_to(place))]
    else:
        found = [Path(path) for path in glob.glob(str(place), recursive=True)]
    files = sorted(path for path in found if path.is_file())
    if not files:
        raise ValueError(f"corpus.path={pattern} matches no file; give a file, a directory with files or a glob")
    return files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
