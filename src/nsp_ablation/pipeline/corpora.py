"""The first link: the documents of a corpus, and the refusal of a corpus that a format cannot use."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.base.visible_files import files_below
from nsp_ablation.config.identity import corpus_settings
from nsp_ablation.options.corpus_options import READERS, CorpusOptions
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.first_documents import all_held_out, check_every_file, check_first_documents
from nsp_ablation.text.corpus.document import is_heldout
from nsp_ablation.text.corpus.piece import expand, whole
from nsp_ablation.text.corpus.source import Source, read_documents


@dataclass(frozen=True, eq=False)
class Corpus(Artifact):
    """The documents of a corpus. The micro-world alone is written, with its task files; files stay where they are."""

    kind = "corpora"
    options: CorpusOptions

    @property
    def is_generated(self) -> bool:
        """Whether it is the micro-world."""
        return READERS[self.options.reader].is_generated

    def identity(self) -> Any:
        settings = corpus_settings(self.options)
        if self.is_generated:
            return settings
        content = [_dataset_content(dataset.path) for dataset in self.options.hub]
        if READERS[self.options.reader].reads_files:
            content = [files_fingerprint(self.files)]
        return [settings, content]

    @property
    def is_made(self) -> bool:
        return not self.is_generated or super().is_made

    def build(self, directory: Path) -> None:
        from nsp_ablation.text.microworld.world_documents import write_documents
        from nsp_ablation.text.microworld.world_tasks import write_tasks

        assert self.options.num_documents is not None
        write_documents(directory / "documents.jsonl", self.options.num_documents, self.options.seed)
        write_tasks(directory / "tasks", self.options.seed)

    @cached_property
    def files(self) -> list[Path]:
        """The files that are read, in order. Raises InputError where `corpus.path` matches none."""
        if self.is_generated:
            return [self.make() / "documents.jsonl"]
        return expand(self.options.path) if READERS[self.options.reader].reads_files else []

    def source(self) -> Source:
        """Return where the documents are read, as plain values."""
        options = self.options
        if self.is_generated:
            options = replace(options, text_key="text", num_documents=None)
        return Source(options, tuple(map(whole, self.files)))

    def training_texts(self) -> Iterator[str]:
        """Yield the texts of the documents that are not held out, in the corpus' order.

        Raises InputError at the end where every document is held out.
        """
        num_trained = num_heldout = 0
        for document in read_documents(self.source()):
            if is_heldout(document.heldout_digest(), self.options.heldout_fraction):
                num_heldout += 1
            else:
                num_trained += 1
                yield document.text
        if num_heldout and not num_trained:
            raise all_held_out(self.options, num_heldout)

    def check_borders(self, format_name: str) -> None:
        """Refuse a corpus that the format cannot use, before anything is built, as `check_first_documents` does."""
        self.check_every_file(format_name)
        check_first_documents(read_documents(self.source()), self.options, format_name)

    def check_every_file(self, format_name: str) -> None:
        """Refuse files whose document borders are lost for a format that needs them."""
        check_every_file(self.files, self.options, format_name)


def _dataset_content(path: str) -> str | None:
    """Return the fingerprint of a data set's files where it is a local directory; the hub's are pinned by settings."""
    files = files_below(Path(path)) if Path(path).is_dir() else []
    return files_fingerprint(files) if files else None
