"""The third link: the token stores of a corpus, one of the documents that are trained on, one of those held out."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nsp_ablation.base.process import num_cores
from nsp_ablation.config.identity import store_settings
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.text.store.build_stores import ShardCall, build_stores, shard_bytes, shard_calls
from nsp_ablation.text.store.shard import HELDOUT, TRAIN, ShardRecipe
from nsp_ablation.text.store.token_store import TokenStore


@dataclass(frozen=True, eq=False)
class Stores(Artifact):
    """The token stores; `format_name` says which borders the corpus must have, and has no part in what is built."""

    kind = "stores"
    corpus: Corpus
    vocabulary: Vocabulary
    format_name: str

    def identity(self) -> Any:
        return [store_settings(self.corpus.options), f"sentencex {version('sentencex')}"]

    def inputs(self) -> tuple[Artifact, ...]:
        return self.corpus, self.vocabulary

    def make(self) -> Path:
        """Return the directory of the stores, built on first use, in `corpus.num_processes` processes.

        Raises InputError for a corpus that is empty or lacks the document borders that the format needs.
        """
        source, recipe, directory = self._arguments()
        if not self.is_made:
            say("prepare", f"token store -> {directory}")
        num_processes = self.corpus.options.num_processes
        return build_stores(
            source,
            recipe,
            directory,
            num_processes=num_cores() if num_processes is None else num_processes,
            max_shard_bytes=shard_bytes(source.num_bytes),
            say=partial(say, "prepare"),
            finish=self.note_inputs,
        )

    def shards(self) -> list[ShardCall]:
        """Return the arguments of every call of `text.store.shard.build_shard` that `make` makes.

        A cluster may make these calls instead, each in a job of its own on shared storage: `make` then finds the
        shards and merges them. Trains the tokenizer if need be. Raises InputError as `make` does.
        """
        source, recipe, directory = self._arguments()
        return shard_calls(source, recipe, directory, shard_bytes(source.num_bytes))

    def training(self) -> TokenStore:
        """Open the store of the documents that are trained on, made on first use."""
        return TokenStore.open(self.make() / TRAIN)

    def heldout(self) -> TokenStore | None:
        """Open the store of the held-out documents, made on first use; None where no document is held out."""
        directory = self.make() / HELDOUT
        return TokenStore.open(directory) if directory.exists() else None

    def _arguments(self) -> ShardCall:
        """Check the corpus, make the tokenizer, and return source and recipe of the stores, and their directory."""
        options, vocabulary = self.corpus.options, self.vocabulary
        self.corpus.check_borders(self.format_name)
        if not vocabulary.is_made:
            say("prepare", f"tokenizer {vocabulary.options.name} -> {vocabulary.directory}")
        recipe = ShardRecipe(
            vocabulary.make(),
            options.language,
            options.split_quotations,
            options.one_sentence_per_line,
            options.heldout_fraction,
        )
        return self.corpus.source(), recipe, self.directory
