"""Tokenizer directories: trained on the corpus or taken over, and read by `tokenizers` and `transformers` alike.

A directory holds tokenizer.json (all that decides token ids), tokenizer_config.json (what `AutoTokenizer` needs beside
it) and the vocabulary in the published models' own files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.artifact import copy_files, read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.bbpe import TRANSFORMERS_CONFIG, train_bbpe
from nsp_ablation.text.tokenization.wordpiece import train_wordpiece, transformers_config

TOKENIZER_FILE, CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"
OTHER_FILES = ("special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt")
# Published tokenizers may leave these to their class in `transformers`, which is never asked here.
_USUAL_NAMES = {
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "mask": ("[MASK]", "<mask>"),
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>"),
}


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the special tokens. `all_ids` (ascending) also holds further special tokens of a published tokenizer."""

    cls: int
    sep: int
    mask: int
    pad: int
    unk: int | None
    all_ids: tuple[int, ...]


def train_tokenizer(options: TokenizerOptions, texts: Iterator[str], directory: Path) -> None:
    """Train a `bbpe` or `wordpiece` of exactly `options.vocab_size` tokens and write its directory; deterministic.

    Raises InputError if the texts cannot train so many tokens, if `vocab_size` is below the alphabet, for text that is
    not valid Unicode, and for a lowercasing `bbpe`, which RobertaTokenizer cannot hold.
    """
    assert options.name in ("bbpe", "wordpiece"), options.name
    assert options.vocab_size is not None
    is_bbpe = options.name == "bbpe"
    if is_bbpe and options.lowercase:
        raise InputError("tokenizer.lowercase=true is not possible for byte-level BPE; use tokenizer=wordpiece")
    try:
        trained = train_bbpe(texts, options.vocab_size) if is_bbpe else train_wordpiece(texts, options)
    except UnicodeEncodeError as error:
        raise InputError(f"corpus.path holds text that is not valid Unicode ({error}); repair that text") from error
    directory.mkdir(parents=True, exist_ok=True)
    trained.save(str(directory / TOKENIZER_FILE))
    trained.model.save(str(directory))
    write_json(directory / CONFIG_FILE, TRANSFORMERS_CONFIG if is_bbpe else transformers_config(options))


def copy_pretrained(path: str, directory: Path) -> None:
    """Take over a tokenizer from a local directory or, by its name, from the Hugging Face hub.

    Raises InputError, naming `tokenizer.path`, if it is not found, has no tokenizer.json, is neither byte-level BPE nor
    WordPiece, or lacks one of the tokens cls, sep, mask and pad.
    """
    source = tokenizer_directory(path, "tokenizer.path")
    if not (source / TOKENIZER_FILE).is_file():
        raise InputError(
            f"tokenizer.path={path} has no {TOKENIZER_FILE}; write one with AutoTokenizer.from_pretrained(...)"
            ".save_pretrained(...)"
        )
    directory.mkdir(parents=True, exist_ok=True)
    copy_files((source / name, directory / name) for name in (TOKENIZER_FILE, CONFIG_FILE, *OTHER_FILES))
    try:
        tokenizer = load_tokenizer(directory)
        ids = _special_ids(directory, tokenizer)
        word_starts(directory)
    except InputError as error:
        raise InputError(f"tokenizer.path={path}: {error}") from error
    config = _read_if_there(directory / CONFIG_FILE)
    needed: dict[str, Any] = {"tokenizer_class": "TokenizersBackend"}
    needed |= {f"{role}_token": tokenizer.id_to_token(token_id) for role, token_id in ids.items()}
    missing = {key: value for key, value in needed.items() if config.get(key) is None}
    write_json(directory / CONFIG_FILE, config | missing)


def load_tokenizer(directory: Path) -> Tokenizer:
    """Load a tokenizer without padding and truncation. Raises InputError if there is none or it cannot be read."""
    file = directory / TOKENIZER_FILE
    if not file.is_file():
        raise InputError(f"{directory} holds no tokenizer ({TOKENIZER_FILE} is missing)")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # `tokenizers` raises bare Exception for whatever its JSON reader refuses
        raise InputError(f"{file} is no tokenizer that this release of `tokenizers` can read ({error})") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def num_ids(tokenizer: Tokenizer) -> int:
    """Return V, one more than the largest id: a published vocabulary may skip ids."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1


def tokenizer_fingerprint(directory: Path) -> str:
    """Return a fingerprint of everything that decides token ids."""
    return files_fingerprint([directory / TOKENIZER_FILE])


def special_tokens(directory: Path) -> SpecialTokens:
    """Return the special tokens of a tokenizer directory. Raises InputError if cls, sep, mask or pad is missing."""
    tokenizer = load_tokenizer(directory)
    ids = _special_ids(directory, tokenizer)
    further = (token_id for token_id, token in tokenizer.get_added_tokens_decoder().items() if token.special)
    all_ids = tuple(sorted({*ids.values(), *further}))
    return SpecialTokens(unk=ids.pop("unk", None), all_ids=all_ids, **ids)


def word_starts(directory: Path) -> np.ndarray:
    """Return (V,) bool: the token begins a word (byte-level BPE: a leading space; WordPiece: no `##`).

    True for special tokens, which never continue a word. Raises InputError for other kinds of tokenizer.
    """
    tokenizer = load_tokenizer(directory)
    description = json.loads(tokenizer.to_str())
    kind = description["model"]["type"]
    if kind == "BPE" and _holds_byte_level(description["pre_tokenizer"]):
        prefix, begins = "Ġ", True
    elif kind == "WordPiece":
        prefix, begins = description["model"]["continuing_subword_prefix"], False
    else:
        raise InputError(f"a {kind} tokenizer is neither byte-level BPE nor WordPiece; choose another one")
    starts = np.zeros(num_ids(tokenizer), dtype=bool)
    for token, token_id in tokenizer.get_vocab(with_added_tokens=True).items():
        starts[token_id] = token.startswith(prefix) == begins
    starts[[token_id for token_id, token in tokenizer.get_added_tokens_decoder().items() if token.special]] = True
    return starts


def tokenizer_directory(path: str, field: str) -> Path:
    """Return a directory, or the local copy of a hub repository's tokenizer files; `field` is the setting.

    Raises InputError where it is neither.
    """
    source = Path(path).expanduser()
    if source.is_dir():
        return source
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(path, allow_patterns=[TOKENIZER_FILE, CONFIG_FILE, *OTHER_FILES]))
    except Exception as error:  # its errors of name, network and cache have no common base
        raise InputError(
            f"{field}={path} is not a directory here, and the Hugging Face hub did not give it "
            f"({type(error).__name__}); correct it, or copy the tokenizer's directory to this machine"
        ) from error


def _special_ids(directory: Path, tokenizer: Tokenizer) -> dict[str, int]:
    """Return the ids of cls, sep, mask, pad and, if there is one, unk: by their declared names, else the usual ones."""
    declared = _read_if_there(directory / "special_tokens_map.json") | _read_if_there(directory / CONFIG_FILE)
    ids: dict[str, int] = {}
    for role, usual in _USUAL_NAMES.items():
        value = declared.get(f"{role}_token")
        names = usual if value is None else (value["content"] if isinstance(value, dict) else value,)
        found = [token_id for name in names if (token_id := tokenizer.token_to_id(name)) is not None]
        if found:
            ids[role] = found[0]
    if missing := [role for role in ("cls", "sep", "mask", "pad") if role not in ids]:
        raise InputError(f"the tokenizer has no {', '.join(missing)} token; add it with `transformers` and save again")
    return ids


def _read_if_there(file: Path) -> dict[str, Any]:
    return read_json(file) if file.is_file() else {}


def _holds_byte_level(pre_tokenizer: dict[str, Any] | None) -> bool:
    if pre_tokenizer is None:
        return False
    return pre_tokenizer["type"] == "ByteLevel" or any(map(_holds_byte_level, pre_tokenizer.get("pretokenizers", [])))
