"""Build the token stores of a corpus: cut it into shards, make them on all cores, merge them.

A shard that is finished stays when the run is killed, and is not made again. A cluster may make the shards instead,
each by `build_shard(*shard_calls(...)[i])` in a job of its own on shared storage; `build_stores` then merges them.
"""

import hashlib
import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import build_once, check_artifact, read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.base.process import num_cores
from nsp_ablation.text.corpus.source import Source, cut_source
from nsp_ablation.text.store.array_file import StoreArrays, read_pieces
from nsp_ablation.text.store.duplicates import FOLDED_FILE, count_duplicates
from nsp_ablation.text.store.part_writer import NUM_NEAREST, TEXTS_FILE
from nsp_ablation.text.store.shard import PARTS, TRAIN, ShardRecipe, build_shard
from nsp_ablation.text.store.shard_progress import ShardProgress
from nsp_ablation.text.store.store_counts import HELDOUT
from nsp_ablation.text.store.token_store import DOCUMENTS_FILE, IDS_FILE, META_FILE, SENTENCES_FILE, id_dtype
from nsp_ablation.text.store.worker_processes import run_calls

ShardCall = tuple[Source, ShardRecipe, Path]

_MAX_SHARD_BYTES, _MIN_SHARD_BYTES, _NUM_SHARDS = 32 << 20, 4 << 20, 64


def shard_bytes(num_bytes: int) -> int:
    """Return how much of a corpus of this size is a shard: 32 MiB, less below 2 GiB.

    The cores that have no shard left wait for the last one: with seven shards of 32 MiB two cores would lose an eighth.
    """
    return min(_MAX_SHARD_BYTES, max(_MIN_SHARD_BYTES, num_bytes // _NUM_SHARDS))


def shard_calls(source: Source, recipe: ShardRecipe, directory: Path, max_shard_bytes: int) -> list[ShardCall]:
    """Return the arguments of `build_shard` for every shard of the stores in `directory`, in the corpus' order.

    Shards lie beside the stores, in `<directory>.shards`; a name tells number, count and cut, so that one of another
    cut is never taken for it.
    """
    return calls_of(cut_source(source, max_shard_bytes), recipe, directory)


def calls_of(sources: list[Source], recipe: ShardRecipe, directory: Path) -> list[ShardCall]:
    """Return the arguments of `build_shard` for each of the sources that a corpus was cut into, as `shard_calls`."""
    calls = []
    for number, part in enumerate(sources):
        cut = fingerprint([[piece.start, piece.end, piece.num_bytes] for piece in part.pieces])
        name = f"{number:05d}-of-{len(sources):05d}-{cut}"
        calls.append((part, recipe, shards_directory(directory) / name))
    return calls


def build_shards(calls: list[ShardCall], num_processes: int, say: Callable[[str], None]) -> None:
    """Make the shards that are not there yet, in `num_processes` processes (at most one a shard), with all cores.

    One process is this one. `say` is told how far it is. Raises InputError as the readers do.
    """
    missing = [call for call in calls if not call[-1].exists()]
    for shard in {directory for _, _, directory in calls} - {directory for _, _, directory in missing}:
        check_artifact(shard)
    if len(missing) < len(calls):
        say(f"{len(calls) - len(missing)} of {len(calls)} shards are there from an earlier run")
    num_bytes = sum(source.num_bytes for source, _, _ in missing)
    progress = ShardProgress(say, len(calls), len(calls) - len(missing), num_bytes)
    num_processes = min(num_processes, len(missing))
    if num_processes <= 1:
        for call in missing:
            build_shard(*call, progress.tokens)
            progress.shard(call[0].num_bytes)
        return
    num_threads = max(1, num_cores() // num_processes)
    with closing(run_calls(build_shard, missing, num_processes, num_threads)) as events:
        for number, num_tokens in events:
            if num_tokens is None:
                progress.shard(missing[number][0].num_bytes)
            else:
                progress.tokens(num_tokens)


def build_stores(
    source: Source,
    recipe: ShardRecipe,
    directory: Path,
    *,
    num_processes: int,
    max_shard_bytes: int,
    say: Callable[[str], None],
    finish: Callable[[Path], None] = lambda directory: None,
) -> Path:
    """Return `directory` with the token stores `train` and, where a document is held out, `heldout`, built once.

    Their bytes depend on the documents and the recipe alone; `finish` may add files before the directory appears.
    Raises InputError if no training document has a token, and as the readers do.
    """

    def build(new: Path) -> None:
        calls = shard_calls(source, recipe, directory, max_shard_bytes)
        build_shards(calls, num_processes, say)
        say("merging the shards")
        merge_shards([shard for _, _, shard in calls], new)
        finish(new)

    build_once(directory, build)
    remove_shards(directory)
    return directory


def join_shards(shards: list[Path], directory: Path, finish: Callable[[Path], None]) -> None:
    """Make the stores in `directory` of shards that others made, and delete these, but nothing else beside them.

    Raises InputError where a shard is missing, and as `build_stores` does.
    """

    def build(new: Path) -> None:
        if missing := [shard for shard in shards if not shard.exists()]:
            raise InputError(
                f"{len(missing)} of {len(shards)} shards are missing, the first {missing[0]}; run the same command "
                "again, which makes them anew"
            )
        merge_shards(shards, new)
        finish(new)

    build_once(directory, build)
    for shard in shards:
        shutil.rmtree(shard, ignore_errors=True)


def remove_shards(directory: Path) -> None:
    """Delete what lies beside the stores in `directory`, which are there: shards, and the logs of tasks."""
    shutil.rmtree(shards_directory(directory), ignore_errors=True)


def shards_directory(directory: Path) -> Path:
    """Return where the shards of the stores in `directory` lie."""
    return owned(directory.parent, f"{directory.name}.shards")


def merge_shards(shards: list[Path], directory: Path) -> None:
    """Write the stores `train` and, where a document is held out, `heldout` into the existing `directory`.

    Of the documents held out, those of the reporting half stand first. The bytes depend on the documents, in order, and
    the tokenizer alone, not on where shards begin and end. Memory does not grow with them, nor with the number of
    documents. Raises InputError if no training document has a token.
    """
    training, reporting, tuning = ([shard / part for shard in shards] for part in PARTS)
    held_out = [*reporting, *tuning]
    repeated = count_duplicates(*([part / FOLDED_FILE for part in parts] for parts in (training, held_out)))
    shared = {"num_in_both": repeated.in_both}
    _merge(training, directory / TRAIN, {"num_duplicates": repeated.training} | shared)
    num_reporting, num_tuning = (
        sum(read_json(part / META_FILE)["num_documents"] for part in half) for half in (reporting, tuning)
    )
    if num_reporting + num_tuning:
        shared |= {"num_duplicates": repeated.held_out, "num_reporting_documents": num_reporting}
        _merge(held_out, directory / HELDOUT, shared)


def _merge(parts: list[Path], directory: Path, counted: dict[str, int]) -> None:
    metas = [read_json(part / META_FILE) for part in parts]
    kinds = {(meta["vocab_size"], meta["tokenizer"]) for meta in metas}
    assert len(kinds) == 1, f"the shards in {parts[0].parents[1]} have several tokenizers: {kinds}"
    ((vocab_size, tokenizer),) = kinds
    texts = hashlib.sha256()
    with ExitStack() as stack:
        arrays = StoreArrays(directory, id_dtype(vocab_size), stack)
        for part in parts:
            _append(part, arrays)
            for piece in read_pieces(part / TEXTS_FILE):
                texts.update(piece.data)
    source = {"vocab_size": vocab_size, "tokenizer": tokenizer, "text_sha256": texts.hexdigest()}
    write_json(directory / META_FILE, _meta(arrays, metas, source) | counted)


def _append(part: Path, arrays: StoreArrays) -> None:
    """Append a part's arrays, its offsets moved behind what is there."""
    first_token, first_sentence = arrays.ids.length, arrays.sentences.length - 1
    for ids in read_pieces(part / IDS_FILE):
        arrays.ids.append(ids)
    for ends in read_pieces(part / SENTENCES_FILE, first=1):
        arrays.sentences.append(first_token + ends)
    for ends in read_pieces(part / DOCUMENTS_FILE, first=1):
        arrays.documents.append(first_sentence + ends)


def _meta(arrays: StoreArrays, metas: list[dict[str, Any]], source: dict[str, Any]) -> dict[str, Any]:
    """Return the content of meta.json but for what is counted over parts. Raises InputError if the store is empty."""
    summed = ("dropped_documents", "dropped_sentences", "num_unknown")
    counts: dict[str, Any] = {name: sum(meta[name] for meta in metas) for name in summed}
    if arrays.documents.length == 1:
        raise InputError(
            f"corpus.path holds no text to train on ({counts['dropped_documents']} documents, all of them empty); "
            "point it to files with text, or raise corpus.train_fraction"
        )
    digests = [array.sha256() for array in (arrays.ids, arrays.sentences, arrays.documents)]
    counts["longest_sentence"] = max(meta["longest_sentence"] for meta in metas)
    fractions = sorted(fraction for meta in metas for fraction in meta["least_heldout_fractions"])[:NUM_NEAREST]
    counts["least_heldout_fractions"] = fractions
    return {"fingerprint": fingerprint([*digests, source]), **arrays.counts(), **counts, **source}
