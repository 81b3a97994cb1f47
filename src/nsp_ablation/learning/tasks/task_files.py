"""Where a task's examples lie: JSON and text files, and rows of data sets of the Hugging Face hub."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.base.visible_files import files_below, named_files
from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.options.wanted_files import wanted_files
from nsp_ablation.text.corpus.lines import read_text


def split_files(task: TaskOptions, split: str) -> list[Path]:
    """Return the files in `task.path` that hold a split, or its directory: at least one path.

    Raises InputError where the task names no file, or none is there.
    """
    directory, wanted = Path(str(task.path)).expanduser(), wanted_files(task)[split]
    if not directory.is_dir():
        raise InputError(f"tasks.{task.name}.path={directory} is not a directory")
    if not wanted:
        raise InputError(f"tasks.{task.name}.{split}_file is not set; name the file in {directory}")
    for names in wanted:
        if all(found := [named_files(directory, name) for name in names]):
            return list(dict.fromkeys(chain.from_iterable(found)))
    missing = " or ".join(map(", ".join, wanted))
    raise InputError(
        f"tasks.{task.name}.path={directory} has no file {missing}; name the directory that holds the task's original "
        "files"
    )


def passage_files(directory: Path) -> list[Path]:
    """Return the visible `*.txt` files below a directory, also compressed, folder by folder and in order of number.

    Raises InputError where there is none.
    """
    files = [file for file in files_below(directory) if ".txt" in file.suffixes]
    if not files:
        raise InputError(
            f"{directory} is a directory without *.txt files, as RACE's passages are; name a file or another one"
        )
    return sorted(files, key=lambda file: (str(file.parent), _natural(file.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def split_content(task: TaskOptions, split: str) -> list[Any]:
    """Return what names the content of a split: the SHA-256 of its files, in the order in which they are read.

    Of a directory's files the paths below it are part of that: they name and order the passages.
    """
    content: list[Any] = []
    for path in split_files(task, split):
        if path.is_dir():
            content.append([[str(file.relative_to(path)), file_sha256(file)] for file in passage_files(path)])
        else:
            content.append(file_sha256(path))
    return content


def read_task_file(path: Path) -> str:
    """Return the text of a task's file, however it is compressed. Raises InputError where there is none to be read."""
    if not path.is_file():
        raise InputError(f"task file {path} is no file; check tasks.<name>.path and the file's name")
    return read_text(path)


def read_json_file(path: Path) -> Any:
    """Return the value of a task's JSON file. Raises InputError naming file and line where it is malformed."""
    return _json_value(read_task_file(path), f"{path}", first_line=1)


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number (from 1) and the value of every line; lines of white space are skipped.

    Raises InputError naming file and line where one is not JSON.
    """
    for number, line in enumerate(read_task_file(path).split("\n"), start=1):
        if line.strip():
            yield number, _json_value(line, f"{path}", number)


def _json_value(text: str, source: str, first_line: int) -> Any:
    """Return the value of JSON text that begins on a line of its source. Raises InputError naming source and line."""
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():  # JSON can spell half of a character, which no tokenizer reads
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source}: line {first_line + error.lineno - 1} is not JSON ({error.msg}); mend it"
        ) from error
    except RecursionError as error:
        raise InputError(f"{source}: line {first_line} is JSON nested too deeply; mend it") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{source} holds text that is not valid Unicode ({error.reason}); repair it") from error
    return value


def load_hub_rows(task: str, hub: TaskHubOptions, split: str, name: str | None) -> Any:
    """Return the rows of one split of a configuration `name`. Raises InputError where it cannot be loaded."""
    import datasets

    with _hub_errors(task, f"split {split!r} of {hub.path!r}"):
        return datasets.load_dataset(hub.path, name, split=split, revision=hub.revision)


def hub_configs(task: str, hub: TaskHubOptions) -> list[str]:
    """Return the names of a data set's configurations. Raises InputError where they cannot be listed."""
    import datasets

    with _hub_errors(task, f"{hub.path!r}"):
        return sorted(datasets.get_dataset_config_names(hub.path, revision=hub.revision))


@contextmanager
def _hub_errors(task: str, what: str) -> Iterator[None]:
    with _quiet():
        try:
            yield
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"tasks.{task}: cannot load {what} ({reason}); without network set "
                f"tasks.{task}.path to a directory of the original files"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars or notices of datasets inside; its settings are restored after."""
    import datasets

    verbosity, has_bars = datasets.logging.get_verbosity(), not datasets.utils.are_progress_bars_disabled()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if has_bars:
            datasets.enable_progress_bars()
