"""JSON as task files hold it: one value a file, or one a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_json_file(path: Path) -> Any:
    """Read a task's JSON file (UTF-8). Raises ValueError naming file and line where it is missing or malformed."""
    if not path.is_file():
        raise ValueError(f"task file {path} does not exist; check tasks.<name>.path and the file name")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: line {error.lineno} is not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start})") from error


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number (from 1) and the value of every line; lines of white space are skipped.

    Raises ValueError naming file and line where one is not JSON.
    """
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: line {number} is not JSON ({error})") from error
        yield number, value
