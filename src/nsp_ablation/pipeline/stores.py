"""The third link: the token stores of a corpus, one of the documents that are trained on, one of those held out."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import check_artifact, read_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.process import num_cores
from nsp_ablation.config.identity import store_settings
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.options.preparation_options import PREPARATIONS, PreparationOptions
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.text.preparation.prepare_in_tasks import prepare_in_tasks
from nsp_ablation.text.preparation.task_states import all_states, task_folders
from nsp_ablation.text.store.array_file import read_pieces
from nsp_ablation.text.store.build_stores import ShardCall, build_stores, shard_bytes, shard_calls, shards_directory
from nsp_ablation.text.store.shard import TRAIN, ShardRecipe, encode_texts
from nsp_ablation.text.store.store_counts import HELDOUT, NearDuplicates, StoreCounts, open_heldout
from nsp_ablation.text.store.token_store import IDS_FILE, META_FILE, TokenStore

_MIN_DOCUMENTS = 2  # of a format that needs document borders


@dataclass(frozen=True, eq=False)
class Stores(Artifact):
    """The token stores; `format_name` says which borders the corpus must have, `preparation` where they are built:
    neither has a part in what is built."""

    kind = "stores"
    corpus: Corpus
    vocabulary: Vocabulary
    format_name: str
    preparation: PreparationOptions = field(default_factory=PreparationOptions)

    def identity(self) -> Any:
        return [store_settings(self.corpus.options), f"sentencex {version('sentencex')}"]

    def inputs(self) -> tuple[Artifact, ...]:
        return self.corpus, self.vocabulary

    def make(self) -> Path:
        """Return the directory of the stores, built on first use, in `corpus.num_processes` processes or in tasks.

        Raises InputError for a corpus that is empty or lacks the document borders that the format needs.
        """
        if self.is_made:
            return self._made()
        source, recipe, directory = self._arguments()
        say("prepare", f"token store -> {directory}")
        has_tasks, num_processes = PREPARATIONS[self.preparation.name].has_tasks, self.corpus.options.num_processes
        if has_tasks or self.corpus.options.removes_near_duplicates:
            options = self.preparation if has_tasks else replace(self.preparation, num_workers=num_processes)
            finish = self.note_inputs
            return prepare_in_tasks(source, recipe, directory, options, say=partial(say, "prepare"), finish=finish)
        return build_stores(
            source,
            recipe,
            directory,
            num_processes=num_cores() if num_processes is None else num_processes,
            max_shard_bytes=shard_bytes(source.num_bytes),
            say=partial(say, "prepare"),
            finish=self.note_inputs,
        )

    def _made(self) -> Path:
        """Return the directory, which is there, after a look at its checksums and at its borders for this format."""
        check_artifact(self.directory)
        self.checked(self.directory)
        parts = (self.directory / part / META_FILE for part in (TRAIN, HELDOUT))
        num_documents = sum(read_json(path)["num_documents"] for path in parts if path.is_file())
        if FORMATS[self.format_name].needs_borders:
            self.corpus.check_every_file(self.format_name)
            if num_documents < _MIN_DOCUMENTS:
                self.corpus.check_borders(self.format_name)
        return self.directory

    def task_lines(self) -> Iterator[str]:
        """Yield how far the tasks of a preparation are, and which failed and why; starts nothing."""
        if self.is_made:
            yield f"the stores are there: {self.directory}"
            return
        folders = task_folders(shards_directory(self.directory))
        if not folders:
            yield f"no task of {self.name} has begun"
        options = self.corpus.options
        num_buckets = options.near_duplicate_buckets if options.removes_near_duplicates else None
        for folder in folders:
            for states in all_states(folder, num_buckets):
                yield from states.lines()

    def shards(self) -> list[ShardCall]:
        """Return the arguments of every call of `text.store.shard.build_shard` that `make` makes.

        A cluster may make these calls instead, each in a job of its own on shared storage: `make` then finds the
        shards and merges them. Trains the tokenizer if need be. Raises InputError as `make` does, and where
        near-duplicates are removed, which no shard knows by itself.
        """
        if self.corpus.options.removes_near_duplicates:
            raise InputError(
                "corpus.near_duplicates=remove: no shard can be made by itself, since near-duplicates are looked for "
                "in all of them; set preparation=datatrove_slurm or datatrove_local"
            )
        source, recipe, directory = self._arguments()
        return shard_calls(source, recipe, directory, shard_bytes(source.num_bytes))

    def training(self) -> TokenStore:
        """Open the store of the documents that are trained on, made on first use."""
        return TokenStore.open(self.make() / TRAIN)

    def heldout(self) -> TokenStore | None:
        """Open the store of the held-out documents of `corpus.heldout_part`, made on first use; None where there is
        none."""
        directory = self.make() / HELDOUT
        store = open_heldout(directory, self.corpus.options.heldout_part) if directory.exists() else None
        return store if store is not None and store.num_documents else None

    def empty_part(self) -> str | None:
        """Return why `heldout` has no document where the other half has some, and what to do; None otherwise."""
        part, counts = self.corpus.options.heldout_part, self.heldout_counts()
        if counts is None or self.heldout() is not None:
            return None
        return (
            f"corpus.heldout_part={part}: none of the {counts.num_documents} documents held out is in this half; set "
            "corpus.heldout_part=all, or raise corpus.heldout_fraction"
        )

    def counts(self, part: str = TRAIN) -> StoreCounts:
        """Return what was counted of a store while it was built; made on first use."""
        return StoreCounts.read(self.make() / part)

    def heldout_counts(self) -> StoreCounts | None:
        """Return the counts of the held-out documents; None where no document is held out."""
        return self.counts(HELDOUT) if (self.make() / HELDOUT).exists() else None

    def near_duplicates(self) -> NearDuplicates | None:
        """Return what was taken as near-duplicates; None where they are kept."""
        return NearDuplicates.read(self.make())

    def training_ids(self) -> Iterator[np.ndarray]:
        """Yield the tokens that are trained on in pieces (n,), which are not in memory together."""
        return read_pieces(self.make() / TRAIN / IDS_FILE)

    def encode(self, texts: list[str]) -> list[np.ndarray]:
        """Return the ids (n,) of texts as documents of the stores have them."""
        return encode_texts(texts, self._recipe())

    def _recipe(self) -> ShardRecipe:
        options = self.corpus.options
        directory = self.vocabulary.make()
        return ShardRecipe(
            directory,
            options.language,
            options.split_quotations,
            options.one_sentence_per_line,
            options.heldout_fraction,
            options.train_fraction,
        )

    def _arguments(self) -> ShardCall:
        """Check the corpus, make the tokenizer, and return source and recipe of the stores, and their directory."""
        vocabulary = self.vocabulary
        if self.corpus.options.removes_near_duplicates and find_spec("datatrove") is None:
            raise InputError(
                "corpus.near_duplicates=remove needs datatrove, which is not installed; pip install "
                "'nsp-ablation[cluster]', or set corpus.near_duplicates=keep"
            )
        self.corpus.check_borders(self.format_name)
        if not vocabulary.is_made:
            say("prepare", f"tokenizer {vocabulary.options.name} -> {vocabulary.directory}")
        recipe = self._recipe()
        if not self.is_made:
            vocabulary.check_texts(self.corpus.training_texts())
        return self.corpus.source(), recipe, self.directory
