"""`stage=prepare`: corpus -> tokenizer -> token stores (training and held-out documents), each built once."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.cores import num_cores
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import store_settings, tokenizer_settings
from nsp_ablation.pipeline.documents import check_borders, corpus_fingerprint, corpus_source, training_texts
from nsp_ablation.stages.console import say
from nsp_ablation.text.store.build_stores import ShardCall, build_stores, shard_bytes, shard_calls
from nsp_ablation.text.store.shard import Recipe
from nsp_ablation.text.tokenization.tokenizer import copy_pretrained, train_tokenizer


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
    num_processes = config.corpus.num_processes
    source, recipe, directory = _store_arguments(config)
    if not directory.exists():
        say("prepare", f"token store -> {directory}")
    build_stores(
        source,
        recipe,
        directory,
        num_processes=num_cores() if num_processes is None else num_processes,
        max_shard_bytes=shard_bytes(source.num_bytes),
        say=partial(say, "prepare"),
    )
    heldout = directory / "heldout"
    return Prepared(recipe.tokenizer, directory / "train", heldout if heldout.exists() else None, store_key(config))


def store_shards(config: Config) -> list[ShardCall]:
    """Return the arguments of every call of `store.shard.build_shard` that `prepare` makes.

    A cluster may make these calls instead, each in a job of its own on shared storage: `prepare` then finds the shards
    and merges them. Trains the tokenizer if need be. Raises ValueError as `prepare` does.
    """
    source, recipe, directory = _store_arguments(config)
    return shard_calls(source, recipe, directory, shard_bytes(source.num_bytes))


def _store_arguments(config: Config) -> ShardCall:
    """Check the corpus, build the tokenizer if it is missing, and return source and recipe of the stores, and where."""
    artifacts, corpus = Path(config.paths.artifacts), config.corpus
    check_borders(config, artifacts)
    tokenizer = artifacts / "tokenizers" / _tokenizer_key(config)
    if not tokenizer.exists():
        say("prepare", f"tokenizer {config.tokenizer.name} -> {tokenizer}")
    build_once(tokenizer, lambda place: _build_tokenizer(config, artifacts, place))
    recipe = Recipe(tokenizer, corpus.language, corpus.one_sentence_per_line, corpus.heldout_fraction)
    return corpus_source(corpus, artifacts), recipe, artifacts / "stores" / store_key(config)


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
    settings = config.tokenizer
    if settings.name == "pretrained":
        assert settings.path is not None
        copy_pretrained(settings.path, directory)
        return
    assert settings.vocab_size is not None
    texts = islice(training_texts(config.corpus, artifacts), settings.max_train_documents)
    train_tokenizer(settings.name, texts, settings.vocab_size, settings.lowercase, directory)
