"""Rows of tab-separated files as GLUE's publishers made them: no quoting, with or without a header."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.tasks.left_out import LeftOut, Tally
from nsp_ablation.learning.tasks.task_files import read_task_file
from nsp_ablation.options.task_options import TaskOptions

_NUMBER = re.compile(r"-?[1-9][0-9]*")


@dataclass(frozen=True)
class TsvRow:
    """The fields of the columns asked for, where the row stands ("FILE: line 5"), and its number in the split."""

    location: str
    number: int
    fields: list[str]


def tsv_rows(paths: list[Path], columns: list[str], task: TaskOptions, left_out: LeftOut) -> Iterator[TsvRow]:
    """Yield the rows of a split's files in order; lines of white space are no rows, and quotes are plain characters.

    A column is a name of the header, or its number: 1 is the first, -1 a row's last (SNLI's training file has rows of
    11 fields below a header of 15). With `task.header` false there are numbers alone. A row without a column that is
    asked for, or with more fields than the header or the first row, is uneven: left out or refused (`uneven_rows`), and
    refused wherever such rows are the majority. Rows are numbered from 0, uneven ones too. Raises InputError naming
    the file for a column that it does not have.
    """
    uneven, number = Tally(), 0
    for path in paths:
        lines = ((n, line) for n, line in enumerate(_lines(path), start=1) if line.strip())
        header = _fields(next(lines, (0, ""))[1]) if task.header else None
        places = [_place(path, column, header, task) for column in columns]
        width = None if header is None else len(header)
        for line_number, line in lines:
            fields = _fields(line)
            width = width or len(fields)
            if len(fields) > width or not all(-len(fields) <= place < len(fields) for place in places):
                uneven.add(f"{path}: line {line_number} has {len(fields)} fields")
            else:
                yield TsvRow(f"{path}: line {line_number}", number, [fields[place] for place in places])
            number += 1
        if uneven.count > number // 2 or (uneven.count and task.uneven_rows == "refuse"):
            raise InputError(_refusal(uneven, number, columns, width, task))
    left_out.add_all("uneven rows", uneven)


def _refusal(uneven: Tally, num_rows: int, columns: list[str], width: int | None, task: TaskOptions) -> str:
    first = "header" if task.header else "first row"
    counted = f"{uneven.count} of {num_rows} rows do not fit the {width} columns of the {first}"
    if uneven.count > num_rows // 2:
        remedy = (
            f"the columns {', '.join(columns)} are read; they may be given by number, from 1, or from a row's end, the "
            "last being -1"
        )
    else:
        remedy = f"mend them, or leave them out with tasks.{task.name}.uneven_rows=skip"
    return f"tasks.{task.name}: {counted}: {uneven}; {remedy}"


def _lines(path: Path) -> list[str]:
    return read_task_file(path).split("\n")


def _fields(line: str) -> list[str]:
    return line.rstrip("\r").split("\t")


def _place(path: Path, column: str, header: list[str] | None, task: TaskOptions) -> int:
    """Return the index of a column in a row's fields."""
    names = [] if header is None else [name.strip() for name in header]
    if column in names:
        return names.index(column)
    if _NUMBER.fullmatch(column):
        number = int(column)
        if header is None or abs(number) <= len(header):
            return number - 1 if number > 0 else number
    if header is None:
        raise InputError(
            f"{path} has no column {column}: with tasks.{task.name}.header=false columns have numbers, from 1, or from "
            "a row's end, the last being -1"
        )
    raise InputError(
        f"{path} has no column {column}: found {', '.join(names)}; name one of these or its number, from 1, in "
        f"tasks.{task.name}, or set tasks.{task.name}.header=false where the first line is an example"
    )
