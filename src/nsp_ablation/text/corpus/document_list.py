"""Lists of documents: what a corpus consists of, without its text, so that another reader can tell if theirs is it.

A gzipped table (`id`, `source`, `characters`, `sha256`, a line per document, in the corpus' order) whose bytes are a
function of the corpus alone. The text is hashed as the readers give it: no sentence is split, no token made.
"""

import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nsp_ablation.base.artifact import atomic_path, full_disk_named
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.text.corpus.document import Document, text_digest

COLUMNS = ("id", "source", "characters", "sha256")
NUM_EXAMPLES = 3  # of documents that are not as listed, named in a sentence
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_ESCAPED = {escape: character for character, escape in _ESCAPES.items()}
_REMEDY = "write it anew by inspect.documents, or take an undamaged copy"
_CACHE_KIB = 65_536  # of the table in which two lists meet; the rest of it lies on disk


class ListedDocument(NamedTuple):
    """A line of a list; `id` and `source` are "" where the corpus names none. `sha256`: 32 bytes, of the UTF-8 text."""

    id: str
    source: str
    characters: int
    sha256: bytes


def listed(document: Document) -> ListedDocument:
    """Return the line of a document."""
    return ListedDocument(document.id or "", document.source or "", len(document.text), text_digest(document.text))


def write_document_list(path: Path, documents: Iterable[ListedDocument]) -> int:
    """Write a list, to appear whole, and return the number of documents. Memory does not grow with it."""
    number = 0
    with (
        atomic_path(path) as temporary,
        open(temporary, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file,
    ):
        file.write(("\t".join(COLUMNS) + "\n").encode())
        for one in documents:
            fields = (_escaped(one.id), _escaped(one.source), str(one.characters), one.sha256.hex())
            file.write(("\t".join(fields) + "\n").encode())
            number += 1
    return number


def read_document_list(path: Path) -> Iterator[ListedDocument]:
    """Yield the lines of a list. Raises DamageError naming the file, and the line, where it is none or was cut."""
    number = 1
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            if file.readline().rstrip("\n").split("\t") != list(COLUMNS):
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            for line in file:
                number += 1
                name, source, characters, sha256 = line.rstrip("\n").split("\t")
                yield ListedDocument(_unescaped(name), _unescaped(source), int(characters), bytes.fromhex(sha256))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise DamageError(f"{path}:{number} is no list of documents ({reason}); {_REMEDY}") from error


def _escaped(text: str) -> str:
    return re.sub(r"[\\\t\n\r]", lambda found: _ESCAPES[found[0]], text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\[\\tnr]", lambda found: _ESCAPED[found[0]], text)


@dataclass(frozen=True)
class Deviations:
    """Documents that are not as listed: how many, and the names of the first few."""

    number: int
    examples: list[str]

    def text(self, what: str) -> str:
        """Return "2 missing (emma/1, emma/2)"."""
        more = ", …" if self.number > len(self.examples) else ""
        return f"{self.number:,} {what} ({', '.join(self.examples)}{more})"


@dataclass(frozen=True)
class ListComparison:
    """A corpus beside a list: of how many documents each is, and which are `missing` in the corpus, `extra`, or there
    under their id with a `different` text."""

    num_listed: int
    num_found: int
    missing: Deviations
    extra: Deviations
    different: Deviations

    @property
    def is_equal(self) -> bool:
        """Whether the corpus is the one that was listed; the order of documents, and sources, may be others."""
        return not (self.missing.number or self.extra.number or self.different.number)

    def text(self) -> str:
        """Return what deviates."""
        parts = {"missing": self.missing, "extra": self.extra, "different": self.different}
        return ", ".join(one.text(what) for what, one in parts.items() if one.number)


def compare_with_list(path: Path, documents: Iterable[ListedDocument], scratch: Path) -> ListComparison:
    """Return how documents compare with those of a list, each as often as it stands there.

    Documents of one id are compared by their texts; where the list has no ids, texts alone are. Lists meet in a table
    in the new file `scratch`, which the caller removes, so that memory does not grow with them. Raises DamageError for
    a list that is none, InputError where it has ids and the documents have none, and FullDiskError.
    """
    with full_disk_named(scratch):
        table = sqlite3.connect(scratch)
        try:
            return _compared(table, path, documents)
        finally:
            table.close()


def _compared(table: sqlite3.Connection, path: Path, documents: Iterable[ListedDocument]) -> ListComparison:
    for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
        table.execute(f"PRAGMA {setting}")
    table.execute(
        "CREATE TABLE texts (id TEXT, sha256 BLOB, characters INT, listed INT, found INT, "
        "PRIMARY KEY (id, sha256, characters)) WITHOUT ROWID"
    )
    num_listed = _add(table, "listed", read_document_list(path))
    has_ids = table.execute("SELECT 1 FROM texts WHERE id <> '' LIMIT 1").fetchone() is not None
    if not has_ids:
        documents = (one._replace(id="") for one in documents)
    num_found = _add(table, "found", documents)
    has_own = table.execute("SELECT 1 FROM texts WHERE found > 0 AND id <> '' LIMIT 1").fetchone() is not None
    if has_ids and num_found and not has_own:
        raise InputError(f"{path} names its documents, and the corpus does not; set corpus.id_key to the key of ids")
    return ListComparison(num_listed, num_found, *_deviations(table))


def _add(table: sqlite3.Connection, column: str, documents: Iterable[ListedDocument]) -> int:
    """Count documents in one of the two columns, and return how many there are."""
    number = 0

    def rows() -> Iterator[tuple[str, bytes, int, int, int]]:
        nonlocal number
        for one in documents:
            number += 1
            yield one.id, one.sha256, one.characters, int(column == "listed"), int(column == "found")

    table.executemany(
        "INSERT INTO texts VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET listed = listed + excluded.listed, found = found + excluded.found",
        rows(),
    )
    return number


def _deviations(table: sqlite3.Connection) -> tuple[Deviations, Deviations, Deviations]:
    """Return what is missing, extra and different: of one id, texts that only the list has beside those that only the
    corpus has."""
    numbers, examples = [0, 0, 0], tuple(list[str]() for _ in range(3))
    unmatched = table.execute(
        "SELECT id, SUM(MAX(listed - found, 0)), SUM(MAX(found - listed, 0)), "
        "MIN(CASE WHEN listed <> found THEN HEX(sha256) END) FROM texts GROUP BY id HAVING SUM(listed <> found) > 0"
    )
    for name, only_listed, only_found, digest in unmatched:
        different = min(only_listed, only_found) if name else 0
        for kind, number in enumerate((only_listed - different, only_found - different, different)):
            numbers[kind] += number
            if number and len(examples[kind]) < NUM_EXAMPLES:
                examples[kind].append(name or f"SHA-256 {digest[:12].lower()}")
    missing, extra, other = (Deviations(number, names) for number, names in zip(numbers, examples, strict=True))
    return missing, extra, other
