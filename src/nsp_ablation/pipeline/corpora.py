"""The first link: the documents of a corpus, and the refusal of a corpus that a format cannot use."""

import logging
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.base.visible_files import files_below
from nsp_ablation.config.identity import corpus_settings
from nsp_ablation.options.corpus_options import READERS, CorpusOptions
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.text.corpus.document import is_heldout, text_digest
from nsp_ablation.text.corpus.piece import expand, whole
from nsp_ablation.text.corpus.source import Source, read_source

log = logging.getLogger(__name__)

# How many documents are looked at before a tokenizer is trained: enough for a median, read in well under a second.
_NUM_LOOKED_AT = 1000


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
        return expand(str(self.options.path)) if READERS[self.options.reader].reads_files else []

    def source(self) -> Source:
        """Return where the documents are read, as plain values."""
        options = self.options
        if self.is_generated:
            options = replace(options, text_key="text", num_documents=None)
        return Source(options, tuple(map(whole, self.files)))

    def training_texts(self) -> Iterator[str]:
        """Yield the texts of the documents that are not held out, in the corpus' order."""
        for text in read_source(self.source()):
            if not is_heldout(text_digest(text), self.options.heldout_fraction):
                yield text

    def check_borders(self, format_name: str) -> None:
        """Refuse a corpus that the format cannot use, before anything is built.

        Raises InputError for a corpus without documents, and for one without document borders where the format needs
        them. Warns where blank lines look like the ends of paragraphs (median below 3 sentences).
        """
        from nsp_ablation.text.corpus.sentences import split_sentences

        options = self.options
        first = list(islice(read_source(self.source()), _NUM_LOOKED_AT))
        if not first:
            raise InputError(f"corpus.path={options.path} holds no document; name files with text")
        if FORMATS[format_name].needs_borders and len(first) < 2:
            free = next(name for name, facts in FORMATS.items() if not facts.needs_borders)
            raise InputError(
                f"format={format_name} needs document borders, and corpus.path={options.path} holds one document only "
                f"({_border_remedy(options)}), or use format={free}"
            )
        if options.reader != "text" or options.document_border != "blank_line":
            return
        lengths = [
            len(split_sentences(text, options.language, options.one_sentence_per_line, options.split_quotations))
            for text in first
        ]
        if statistics.median(lengths) < 3:
            log.warning(
                "corpus.document_border=blank_line: the median document has %g sentences; if blank lines end "
                "paragraphs, set corpus.document_border=file",
                statistics.median(lengths),
            )


def _border_remedy(options: CorpusOptions) -> str:
    if options.reader == "text" and options.document_border == "blank_line":
        return "separate documents by blank lines, or give one file each with corpus.document_border=file"
    if options.reader == "text":
        return "give several files"
    return "give one object or row per document"


def _dataset_content(path: str) -> str | None:
    """Return the fingerprint of a data set's files where it is a local directory; the hub's are pinned by settings."""
    files = files_below(Path(path)) if Path(path).is_dir() else []
    return files_fingerprint(files) if files else None
