"""`stage=prepare`: corpus -> tokenizer -> token stores (training and held-out documents), each built once."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import store_settings, tokenizer_settings
from nsp_ablation.stages.console import say
from nsp_ablation.stages.documents import check_borders, corpus_fingerprint, corpus_source, training_texts


@dataclass(frozen=True)
class Prepared:
    """Where the prepared corpus lies. `heldout` is None where no document is held out. `key` names the content."""

    tokenizer: Path
    store: Path
    heldout: Path | None
    key: str


def store_key(config: Config) -> str:
    """Return the fingerprint of everything that the token store depends on, without building it."""
    parts = [_tokenizer_key(config), store_settings(config), _splitter_version()]
    if _is_own_tokenizer(config):  # its key says nothing of the corpus
        parts.append(corpus_fingerprint(config.corpus))
    return fingerprint(parts)


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
    _build_stores(config, artifacts, tokenizer, directory)
    heldout = directory / "heldout"
    return Prepared(tokenizer, directory / "train", heldout if heldout.exists() else None, store_key(config))


def _is_own_tokenizer(config: Config) -> bool:
    """Return whether the tokenizer is a local directory, not one trained on the corpus or the hub's."""
    path = config.tokenizer.path
    return config.tokenizer.name == "pretrained" and path is not None and Path(path).is_dir()


def _tokenizer_key(config: Config) -> str:
    if _is_own_tokenizer(config):
        assert config.tokenizer.path is not None
        files = sorted(path for path in Path(config.tokenizer.path).iterdir() if path.suffix in {".json", ".txt"})
        content = files_fingerprint(files)
    else:
        content = corpus_fingerprint(config.corpus)
    return fingerprint([content, tokenizer_settings(config)])


def _splitter_version() -> str:
    from importlib.metadata import version

    return f"sentencex {version('sentencex')}"


def _build_tokenizer(config: Config, artifacts: Path, directory: Path) -> None:
    from nsp_ablation.store.tokenizer import copy_pretrained, train_tokenizer

    settings = config.tokenizer
    if settings.name == "pretrained":
        assert settings.path is not None
        copy_pretrained(settings.path, directory)
        return
    assert settings.vocab_size is not None
    texts = islice(training_texts(config.corpus, artifacts), settings.max_train_documents)
    train_tokenizer(settings.name, texts, settings.vocab_size, settings.lowercase, directory)


def _build_stores(config: Config, artifacts: Path, tokenizer: Path, directory: Path) -> None:
    from nsp_ablation.store.build import build_stores, shard_bytes
    from nsp_ablation.store.processes import num_cores
    from nsp_ablation.store.shard import Recipe

    corpus = config.corpus
    if not directory.exists():
        say("prepare", f"token store -> {directory}")
    source = corpus_source(corpus, artifacts)
    build_stores(
        source,
        Recipe(tokenizer, corpus.language, corpus.one_sentence_per_line, corpus.heldout_fraction),
        directory,
        num_processes=num_cores() if corpus.num_processes is None else corpus.num_processes,
        max_shard_bytes=shard_bytes(source.num_bytes),
        say=partial(say, "prepare"),
    )
