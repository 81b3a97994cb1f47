"""GLUE's own tab-separated files: a header, no quoting, columns found by name (MNLI, SST-2 and their like)."""

from collections.abc import Sequence
from pathlib import Path

from nsp_ablation.learning.tasks.examples import TextExample

UNLABELLED = "-"


def read_glue(path: Path, text_columns: Sequence[str], label_column: str, labels: Sequence[str]) -> list[TextExample]:
    """Read every labelled row in file order; a row whose annotators did not agree (label "-") is left out.

    An example's id is the number of its row, from 0. Raises ValueError naming file and line for a missing column, a
    row with another number of fields than the header (a quoted or truncated file) and an unknown label.
    """
    if not path.is_file():
        raise ValueError(f"task file {path} does not exist; check tasks.<name>.path and the file name")
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start})") from error
    header = lines[0].rstrip("\r").split("\t")
    needed = (*text_columns, label_column)
    missing = [column for column in needed if column not in header]
    if missing:
        found = ", ".join(header)
        raise ValueError(f"{path} has no column {', '.join(missing)}: found {found}; need {', '.join(needed)}")
    columns = [header.index(column) for column in needed]
    examples = []
    for number, line in enumerate(lines[1:]):
        fields = line.rstrip("\r").split("\t")
        if fields == [""] and number == len(lines) - 2:
            break
        if len(fields) != len(header):
            raise ValueError(f"{path}: line {number + 2} has {len(fields)} fields, the header {len(header)}")
        *texts, label = (fields[column] for column in columns)
        if label == UNLABELLED and UNLABELLED not in labels:
            continue
        location = f"{path}: line {number + 2}"
        examples.append(TextExample(str(number), tuple(texts), label_number(location, label, labels)))
    return examples


def label_number(location: str, label: str, labels: Sequence[str]) -> int:
    """Return the class number of `label`. Raises ValueError naming the location and the labels known."""
    if label not in labels:
        raise ValueError(
            f"{location} has label {label!r}, which is not one of tasks.<name>.labels: {', '.join(labels)}"
        )
    return labels.index(label)
