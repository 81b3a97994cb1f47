"""`stage=prepare`: corpus -> tokenizer -> token stores (training and held-out documents), each built once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import store_settings, tokenizer_settings
from nsp_ablation.stages.console import say
from nsp_ablation.stages.documents import check_borders, corpus_fingerprint, read_documents


@dataclass(frozen=True)
class Prepared:
    """Where the prepared corpus lies. `heldout` is None where no document is held out. `key` names the content."""

    tokenizer: Path
    store: Path
    heldout: Path | None
    key: str


def store_key(config: Config) -> str:
    """Return the fingerprint of everything that the token store depends on, without building it."""
    return fingerprint([_tokenizer_key(config), store_settings(config), _splitter_version()])


def find_prepared(config: Config) -> Prepared | None:
    """Return the places of tokenizer and stores if they are built; nothing is built, and no corpus on a hub read."""
    artifacts = Path(config.paths.artifacts)
    tokenizer, directory = artifacts / "tokenizers" / _tokenizer_key(config), artifacts / "stores" / store_key(config)
    if not (tokenizer.exists() and directory.exists()):
        return None
    heldout = directory / "heldout"
    return Prepared(tokenizer, directory / "train", heldout if heldout.exists() else None, store_key(config))


def prepare(config: Config) -> Prepared:
    """Build what is missing of tokenizer and stores, and return their places.

    Raises ValueError for a corpus that is empty or lacks the document borders that the format needs.
    """
    artifacts = Path(config.paths.artifacts)
    directory = artifacts / "stores" / store_key(config)
    tokenizer = artifacts / "tokenizers" / _tokenizer_key(config)
    check_borders(config, artifacts)
    if not tokenizer.exists():
        say("prepare", f"tokenizer {config.tokenizer.name} -> {tokenizer}")
    build_once(tokenizer, lambda place: _build_tokenizer(config, artifacts, place))
    if not directory.exists():
        say("prepare", f"token store -> {directory}")
    build_once(directory, lambda place: _build_stores(config, artifacts, tokenizer, place))
    heldout = directory / "heldout"
    return Prepared(tokenizer, directory / "train", heldout if heldout.exists() else None, store_key(config))


def _tokenizer_key(config: Config) -> str:
    if config.tokenizer.name == "pretrained" and config.tokenizer.path and Path(config.tokenizer.path).is_dir():
        files = sorted(path for path in Path(config.tokenizer.path).iterdir() if path.suffix in {".json", ".txt"})
        content = files_fingerprint(files)
    else:
        content = corpus_fingerprint(config.corpus)
    return fingerprint([content, tokenizer_settings(config)])


def _splitter_version() -> str:
    from importlib.metadata import version

    return f"sentencex {version('sentencex')}"


def _splitter(config: Config) -> Callable[[str], list[str]]:
    from nsp_ablation.corpus.sentences import split_sentences

    corpus = config.corpus
    return lambda text: split_sentences(text, corpus.language, corpus.one_sentence_per_line)


def _build_tokenizer(config: Config, artifacts: Path, directory: Path) -> None:
    from nsp_ablation.store.tokenizer import copy_pretrained, train_tokenizer

    settings = config.tokenizer
    if settings.name == "pretrained":
        assert settings.path is not None
        copy_pretrained(settings.path, directory)
        return
    assert settings.vocab_size is not None
    documents = islice(read_documents(config.corpus, artifacts, heldout=False), settings.max_train_documents)
    texts: Iterator[str] = (document.text for document in documents)
    train_tokenizer(settings.name, texts, settings.vocab_size, settings.lowercase, directory)


def _build_stores(config: Config, artifacts: Path, tokenizer: Path, directory: Path) -> None:
    from nsp_ablation.store.build import build_store

    split = _splitter(config)
    for name, heldout in (("train", False), ("heldout", True)):
        documents = read_documents(config.corpus, artifacts, heldout=heldout)
        first = next(documents, None)
        if first is None and heldout:
            continue
        place = directory / name
        place.mkdir()
        build_store(chain([first] if first else [], documents), split, tokenizer, place)
