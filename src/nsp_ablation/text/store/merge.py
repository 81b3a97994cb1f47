"""Merge shards, in order, into the token stores of the training and the held-out documents."""

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.text.store.array_file import read_pieces
from nsp_ablation.text.store.shard import HELDOUT, TEXTS_FILE, TRAIN
from nsp_ablation.text.store.store_arrays import StoreArrays
from nsp_ablation.text.store.token_store import DOCUMENTS_FILE, IDS_FILE, META_FILE, SENTENCES_FILE, id_dtype


def merge_shards(shards: list[Path], directory: Path) -> None:
    """Write the stores `train` and, where a document is held out, `heldout` into the existing `directory`.

    Their bytes depend on the documents, in order, and the tokenizer alone, not on where shards begin and end. Memory
    does not grow with them. Raises ValueError if no training document has a token.
    """
    _merge([shard / TRAIN for shard in shards], directory / TRAIN)
    held_out = [shard / HELDOUT for shard in shards]
    if any(read_json(part / META_FILE)["num_documents"] for part in held_out):
        _merge(held_out, directory / HELDOUT)


def _merge(parts: list[Path], directory: Path) -> None:
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
    write_json(directory / META_FILE, _meta(arrays, metas, source))


def _append(part: Path, arrays: StoreArrays) -> None:
    """Append a part's arrays, its offsets moved behind what is there."""
    first_token, first_sentence = arrays.num_tokens, arrays.num_sentences
    for ids in read_pieces(part / IDS_FILE):
        arrays.add_ids(ids)
    for ends in read_pieces(part / SENTENCES_FILE, first=1):
        arrays.add_sentence_ends(first_token + ends)
    for ends in read_pieces(part / DOCUMENTS_FILE, first=1):
        arrays.add_document_ends(first_sentence + ends)


def _meta(arrays: StoreArrays, metas: list[dict[str, Any]], source: dict[str, Any]) -> dict[str, Any]:
    """Return the content of meta.json. Raises ValueError if the store is empty."""
    num_dropped = {name: sum(meta[name] for meta in metas) for name in ("dropped_documents", "dropped_sentences")}
    if arrays.num_documents == 0:
        raise ValueError(
            f"corpus.path holds no text to train on ({num_dropped['dropped_documents']} documents, all of them empty); "
            "point it to files with text"
        )
    return {"fingerprint": fingerprint([*arrays.sha256(), source]), **arrays.counts(), **num_dropped, **source}
