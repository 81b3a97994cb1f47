"""Near-duplicates among the documents of a corpus: found by datatrove's MinHash blocks, taken before sentences are cut.

Documents whose n-grams of words give equal hashes in one bucket are near-duplicates, and those of near-duplicates too
(clusters). They are looked for over the whole corpus, before any document is held out or left unread, and the first one
of each cluster in the corpus' order stays: so the stores do not depend on how many tasks read the corpus. (Which one
stays by datatrove's own step, 0.10.1, depends on the sizes of what was joined on the way, and is seldom the first.)
"""

import re
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.data import Document as EngineDocument
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WhitespaceTokenizer

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.preparation.pipeline_steps import ReadSource
from nsp_ablation.text.preparation.task_stage import TaskStage
from nsp_ablation.text.preparation.task_states import near_duplicate_stages, near_duplicates_folder
from nsp_ablation.text.store.store_counts import NEAR_DUPLICATES_FILE

# Letters of scripts that have no spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_BLOCK_SHINGLES = 1 << 13  # hashed together: 7 MB with 112 hashes, where a book at once would take 134 MB
_SIGNATURES, _BUCKETS, _CLUSTERS, _TAKEN = "signatures", "buckets", "clusters", "taken"


class SpacedWords(WhitespaceTokenizer):
    """Words between spaces, and each letter of scripts without spaces; datatrove's own need a package per language."""

    def word_tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text)


class SignDocuments(MinhashDedupSignature):
    """Writes the MinHash signatures of the task's documents, as datatrove does, in bounded memory for long ones."""

    def get_signature(self, shingles: np.ndarray) -> list[list[int]]:
        blocks = range(0, len(shingles), _BLOCK_SHINGLES)
        hashes = [
            super(SignDocuments, self).get_signature(shingles[start : start + _BLOCK_SHINGLES]) for start in blocks
        ]
        least: list[list[int]] = np.min(np.array(hashes, np.uint64), axis=0).tolist()
        return least


class MatchSignatures(MinhashDedupBuckets):
    """Writes which documents have equal hashes in a bucket; the signatures of all tasks are open at once."""

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # 160 GB are 5,000 shards, the usual limit is 1,024; macOS may refuse
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        super().run(data, rank, world_size)


class KeepFirst(PipelineStep):
    """Writes which documents are taken: of each cluster all but the first in the corpus' order, by task and number."""

    type, name = "DEDUP", "nsp-ablation first of each cluster"

    def __init__(self, clusters: Path, taken: Path, num_tasks: int) -> None:
        super().__init__()
        self.clusters, self.taken, self.num_tasks = clusters, taken, num_tasks

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        seen: set[int] = set()
        self.taken.mkdir(parents=True, exist_ok=True)
        for task in range(self.num_tasks):
            path, repeated = self.clusters / f"{task:06d}.clusters", []
            pairs = np.fromfile(path, "<u4").reshape(-1, 2) if path.exists() else np.zeros((0, 2), np.uint32)
            for document, cluster in pairs.tolist():
                if cluster in seen:
                    repeated.append(document)
                seen.add(cluster)
            (self.taken / f"{task:06d}.remove").write_bytes(np.array(repeated, "<u4").tobytes())


class TakeNearDuplicates(MinhashDedupFilter):
    """Passes on the documents that stay, and counts what is read and what is taken, in UTF-8 bytes of text."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / _TAKEN))
        self.counts_folder = folder / _TAKEN

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[EngineDocument]:
        read, kept = [0, 0], [0, 0]
        for document in super().run(_counted(data, read), rank, world_size):
            _count(document, kept)
            yield document
        counts = {"documents": read[0] - kept[0], "bytes": read[1] - kept[1]}
        write_json(_counts(self.counts_folder, rank), counts | {"of_documents": read[0], "of_bytes": read[1]})


def _counted(documents: Iterator[EngineDocument], counts: list[int]) -> Iterator[EngineDocument]:
    for document in documents:
        _count(document, counts)
        yield document


def _count(document: EngineDocument, counts: list[int]) -> None:
    counts[0] += 1
    counts[1] += len(document.text.encode())


def _counts(folder: Path, rank: int) -> Path:
    return folder / f"{rank:06d}.json"


def finding_stages(sources: list[Source], options: CorpusOptions, tasks: Path) -> list[TaskStage]:
    """Return the stages that find the near-duplicates of sources, one after the other, each in a folder below.

    `tasks` is the folder of the tasks that make a shard of each source.
    """
    folder = near_duplicates_folder(tasks)
    config = MinhashConfig(
        n_grams=options.near_duplicate_words,
        num_buckets=options.near_duplicate_buckets,
        hashes_per_bucket=options.near_duplicate_hashes,
        hash_config=HashConfig(hash_fc="sha1"),  # its xxhash hands over text, which xxhash 4 refuses (0.10.1)
    )
    signatures, buckets, clusters, taken = (folder / name for name in (_SIGNATURES, _BUCKETS, _CLUSTERS, _TAKEN))
    sign = SignDocuments(str(signatures), config, language=SpacedWords())
    join = MinhashDedupCluster(str(buckets), str(clusters), config, save_cluster_id=True)
    steps: dict[str, list[Any]] = {
        "sign": [ReadSource(sources), sign],
        "match": [MatchSignatures(str(signatures), str(buckets), config=config)],
        "join": [join, KeepFirst(clusters, taken, len(sources))],
    }
    stages = near_duplicate_stages(tasks, config.num_buckets)
    return [TaskStage(steps[stage], *folder_and_number) for stage, folder_and_number in stages.items()]


def counting(finish: Callable[[Path], None], folder: Path, num_tasks: int) -> Callable[[Path], None]:
    """Return what does as `finish` and adds what all tasks of `TakeNearDuplicates(folder)` counted; can be pickled."""
    return partial(_finish, finish, folder, num_tasks)


def _finish(finish: Callable[[Path], None], folder: Path, num_tasks: int, directory: Path) -> None:
    finish(directory)
    counts = [read_json(_counts(folder / _TAKEN, task)) for task in range(num_tasks)]
    total = {name: sum(count[name] for count in counts) for name in counts[0]}
    write_json(directory / NEAR_DUPLICATES_FILE, total | {"engine": f"datatrove {version('datatrove')}"})
