"""Memory of reading a corpus that is small on disk and large in memory: 5 GB in every packing, in a process of its own.

Three kinds of text: documents of 1 kB, short lines without a border (one endless document), and one endless line. The
first is read to its end; the others must be refused by name. Memory is VmHWM of /proc, above that of a process that has
read a file of one document.
"""

import argparse
import bz2
import gzip
import json
import lzma
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard
from table import write_table

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, read_source

MEMBER_BYTES = 100_000_000
SENTENCE = "The dog of Mr. Fox ran away, and nobody saw it again. "
DOCUMENT = SENTENCE * 19
KINDS = {
    "documents": (f"{DOCUMENT}\n\n".encode(), json.dumps({"text": DOCUMENT}).encode() + b"\n"),
    "one document": (b"A short line.\n", None),
    "one line": (b"word ", b"word "),
}


def zstd_frame(parts: Iterator[bytes]) -> Iterator[bytes]:
    frame = zstandard.ZstdCompressor().compressobj()
    yield from map(frame.compress, parts)
    yield frame.flush()


def members(compress: Callable[[bytes], bytes]) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    """Return a packing in members, of which equal ones are compressed once."""
    cache: dict[bytes, bytes] = {}

    def pack(parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            if part not in cache:
                cache.clear()
                cache[part] = compress(part)
            yield cache[part]

    return pack


PACKINGS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "plain": iter,
    "gzip": members(lambda part: gzip.compress(part, 1)),
    "bzip2": members(bz2.compress),
    "xz": members(lambda part: lzma.compress(part, preset=1)),
    "Zstandard, one frame": zstd_frame,
}


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(read(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    num_bytes = int(parser.parse_args().gigabytes * 1e9)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "corpus"
        path.write_text("One. Two.\n")
        baseline = child(path, "text")["peak"]
        for packing, pack in PACKINGS.items():
            for kind, units in KINDS.items():
                for reader, unit in zip(("text", "jsonl"), units, strict=True):
                    if unit is not None:
                        write(path, pack, unit, num_bytes)
                        rows.append(row(f"{packing}: {kind}", reader, path, baseline))
        for kind in ("documents", "one cell"):
            write_parquet(path, kind, num_bytes)
            rows.append(row(f"Parquet: {kind}", "jsonl", path, baseline))
    columns = ["5 GB as", "read by", "on disk", "memory above the baseline", "seconds", "ends with"]
    columns[0] = f"{num_bytes / 1e9:g} GB as"
    notes = [f"The baseline is {baseline:.0f} MB: one document, and the libraries. Sizes are in units of 10^6 bytes."]
    write_table("corpus_memory", "Memory of reading a corpus", columns, rows, notes)


def row(name: str, reader: str, path: Path, baseline: float) -> list[str]:
    found = child(path, reader)
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    peak = f"{found['peak'] - baseline:.0f} MB"
    print(name, reader, size, peak, found, file=sys.stderr)
    return [name, reader, size, peak, f"{found['seconds']:.0f}", found["end"]]


def write(path: Path, pack: Callable[[Iterator[bytes]], Iterator[bytes]], unit: bytes, num_bytes: int) -> None:
    part = unit * (MEMBER_BYTES // len(unit))
    with open(path, "wb") as file:
        file.writelines(pack(part for _ in range(num_bytes // len(part))))


def write_parquet(path: Path, kind: str, num_bytes: int) -> None:
    import pyarrow
    import pyarrow.parquet

    text = DOCUMENT if kind == "documents" else "word " * 40_000_000
    schema = pyarrow.schema([("text", pyarrow.string())])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        rows = pyarrow.table({"text": [text] * max(1, MEMBER_BYTES // len(text))}, schema)
        for _ in range(num_bytes // (len(text) * rows.num_rows)):
            writer.write_table(rows)


def child(path: Path, reader: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(path), reader, str(64 << 20)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def read(path: Path, reader: str, max_line_bytes: int) -> dict[str, float | str]:
    is_text = reader == "text"
    options = CorpusOptions(
        "x",
        reader,
        max_line_bytes=max_line_bytes,
        text_key=None if is_text else "text",
        document_border="blank_line" if is_text else None,
    )
    start, num_documents, num_characters = time.perf_counter(), 0, 0
    try:
        for text in read_source(Source(options, (whole(path),))):
            num_documents += 1
            num_characters += len(text)
        end = f"{num_documents:,} documents, {num_characters / 1e6:,.0f} M characters"
    except InputError as error:
        end = str(error).replace(str(path), "FILE").partition(";")[0]
    return {"peak": peak_megabytes(), "seconds": time.perf_counter() - start, "end": end}


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
