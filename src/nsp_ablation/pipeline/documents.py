"""The corpus of a configuration: its files, its documents, and the refusal of one that a format cannot use."""

import logging
import statistics
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.corpus_paths import expand
from nsp_ablation.text.corpus.document import is_heldout, text_digest
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, read_source

log = logging.getLogger(__name__)

# How many documents are looked at before a tokenizer is trained: enough for a median, read in well under a second.
_NUM_LOOKED_AT = 1000


def microworld_directory(corpus: CorpusOptions, artifacts: Path) -> Path:
    """Return the directory of the generated micro-world (documents and task files), written on first use."""
    from nsp_ablation.text.microworld.world_documents import write_documents
    from nsp_ablation.text.microworld.world_tasks import write_tasks

    num_documents = corpus.num_documents
    assert num_documents is not None

    def build(directory: Path) -> None:
        write_documents(directory / "documents.jsonl", num_documents, corpus.seed)
        write_tasks(directory / "tasks", corpus.seed)

    return build_once(artifacts / "microworld" / microworld_fingerprint(corpus), build)


def microworld_fingerprint(corpus: CorpusOptions) -> str:
    """Return the fingerprint of the micro-world: its generator's source, seed and size."""
    import nsp_ablation.text.microworld as package

    sources = sorted(Path(package.__path__[0]).glob("*.py"))
    return fingerprint([files_fingerprint(sources), corpus.seed, corpus.num_documents])


def corpus_fingerprint(corpus: CorpusOptions) -> str:
    """Return the fingerprint of the corpus' content: its files' bytes, or what pins it down elsewhere."""
    if corpus.reader == "microworld":
        return microworld_fingerprint(corpus)
    if corpus.reader == "hub":
        return fingerprint([vars(source) for source in corpus.hub])
    states = [(path, path.stat()) for path in _files(corpus)]
    return _content_fingerprint(tuple((path, state.st_size, state.st_mtime_ns) for path, state in states))


def corpus_source(corpus: CorpusOptions, artifacts: Path) -> Source:
    """Return where the corpus' documents are read; the micro-world is a file of JSON lines, written on first use."""
    is_generated = corpus.reader == "microworld"
    if is_generated:
        files = [microworld_directory(corpus, artifacts) / "documents.jsonl"]
    else:
        files = [] if corpus.reader == "hub" else _files(corpus)
    return Source(
        reader="jsonl" if is_generated else corpus.reader,
        pieces=tuple(map(whole, files)),
        text_key="text" if is_generated else corpus.text_key,
        document_border=corpus.document_border,
        hub=tuple(dict(vars(dataset)) for dataset in corpus.hub),
        max_documents=None if is_generated else corpus.num_documents,
    )


def training_texts(corpus: CorpusOptions, artifacts: Path) -> Iterator[str]:
    """Yield the texts of the documents that are not held out, in the corpus' order."""
    for text in read_source(corpus_source(corpus, artifacts)):
        if not is_heldout(text_digest(text), corpus.heldout_fraction):
            yield text


def check_borders(config: Config, artifacts: Path) -> None:
    """Refuse a corpus that the format cannot use, before anything is built.

    Raises ValueError for a corpus without documents, and for `doc` and the pair formats for one without document
    borders. Warns where blank lines look like the ends of paragraphs (median below 3 sentences).
    """
    from nsp_ablation.text.corpus.sentences import split_sentences

    corpus = config.corpus
    first = list(islice(read_source(corpus_source(corpus, artifacts)), _NUM_LOOKED_AT))
    if not first:
        raise ValueError(f"corpus.path={corpus.path} holds no document; name files with text")
    if config.format.name != "full" and len(first) < 2:
        raise ValueError(
            f"format={config.format.name} needs document borders, and corpus.path={corpus.path} holds one document"
            f" only ({_border_remedy(corpus)}), or use format=full"
        )
    if corpus.reader != "text" or corpus.document_border != "blank_line":
        return
    lengths = [len(split_sentences(text, corpus.language, corpus.one_sentence_per_line)) for text in first]
    if statistics.median(lengths) < 3:
        log.warning(
            "corpus.document_border=blank_line: the median document has %g sentences; if blank lines end paragraphs, "
            "set corpus.document_border=file",
            statistics.median(lengths),
        )


def _border_remedy(corpus: CorpusOptions) -> str:
    if corpus.reader == "text" and corpus.document_border == "blank_line":
        return "separate documents by blank lines, or give one file each with corpus.document_border=file"
    if corpus.reader == "text":
        return "give several files"
    return "give one JSON object a document"


def _files(corpus: CorpusOptions) -> list[Path]:
    assert corpus.path is not None
    return expand(corpus.path)


@cache
def _content_fingerprint(states: tuple[tuple[Path, int, int], ...]) -> str:
    """Return the fingerprint of files' bytes, read once a process while (path, size, time of change) stay the same."""
    return files_fingerprint([path for path, _, _ in states])
