"""The preparation as steps of a datatrove pipeline: read, split into sentences, encode, write a shard; join the shards.

Between reading and sentences documents are datatrove's own, so a block of its library may stand there. A task makes one
shard. Steps are pickled, so they hold plain values alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document as EngineDocument
from datatrove.pipeline.base import PipelineStep

from nsp_ablation.base.artifact import build_once
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.source import Source, read_documents
from nsp_ablation.text.store.build_stores import ShardCall, join_shards
from nsp_ablation.text.store.part_writer import Batch
from nsp_ablation.text.store.shard import (
    EncodedBatch,
    ShardRecipe,
    encoded_batches,
    sentence_batches,
    write_parts,
)

_WORK = "work"


class ReadSource(PipelineStep):
    """Yields the documents of the task's source, by the project's own readers."""

    type, name = "READER", "nsp-ablation documents"

    def __init__(self, sources: list[Source]) -> None:
        super().__init__()
        self.sources = sources

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[EngineDocument]:
        assert world_size == len(self.sources), (world_size, len(self.sources))
        for number, document in enumerate(read_documents(self.sources[rank])):
            name = document.id or f"{rank}/{number}"
            yield EngineDocument(text=document.text, id=name, metadata={_WORK: document.work})


class SplitSentences(PipelineStep):
    """Turns documents into batches of sentences, each batch of one part (trained on, held out)."""

    type, name = "SENTENCES", "nsp-ablation sentences"

    def __init__(self, recipe: ShardRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[tuple[str, Batch]]:
        documents = (Document(document.text, document.metadata[_WORK]) for document in data)
        return sentence_batches(documents, self.recipe)


class EncodeSentences(PipelineStep):
    """Gives batches of sentences their token ids."""

    type, name = "ENCODING", "nsp-ablation tokens"

    def __init__(self, recipe: ShardRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[EncodedBatch]:
        return encoded_batches(data, self.recipe)


class WriteShard(PipelineStep):
    """Writes the task's shard, whole or not at all; one that is there is neither read nor made again.

    `report`, if any, is told every number of tokens written.
    """

    type, name = "SHARD", "nsp-ablation shard"

    def __init__(self, recipe: ShardRecipe, shards: list[Path]) -> None:
        super().__init__()
        self.recipe, self.shards = recipe, shards
        self.report: Callable[[int], None] | None = None

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        def count(num_tokens: int) -> None:
            self.stat_update("tokens", value=num_tokens, unit="batch")
            if self.report is not None:
                self.report(num_tokens)

        build_once(self.shards[rank], lambda new: write_parts(data, self.recipe, new, count))


class JoinShards(PipelineStep):
    """Joins the shards of all tasks into the stores of `directory`; `finish` adds files before that appears."""

    type, name = "STORES", "nsp-ablation stores"

    def __init__(self, shards: list[Path], directory: Path, finish: Callable[[Path], None]) -> None:
        super().__init__()
        self.shards, self.directory, self.finish = shards, directory, finish

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        join_shards(self.shards, self.directory, self.finish)


def shard_pipeline(calls: list[ShardCall], recipe: ShardRecipe) -> list[PipelineStep]:
    """Return the steps whose task i does what `build_shard(*calls[i])` does."""
    sources, shards = [source for source, _, _ in calls], [shard for _, _, shard in calls]
    return [ReadSource(sources), SplitSentences(recipe), EncodeSentences(recipe), WriteShard(recipe, shards)]
