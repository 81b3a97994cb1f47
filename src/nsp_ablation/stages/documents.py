"""The corpus of a configuration: its files, its documents, and the refusal of one that a format cannot use."""

import logging
import statistics
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config, CorpusConfig
from nsp_ablation.corpus.document import Document, is_heldout
from nsp_ablation.corpus.paths import expand

log = logging.getLogger(__name__)

# How many documents are looked at before a tokenizer is trained: enough for a median, read in well under a second.
_NUM_LOOKED_AT = 1000


def microworld_directory(corpus: CorpusConfig, artifacts: Path) -> Path:
    """Return the directory of the generated micro-world (documents and task files), written on first use."""
    from nsp_ablation.microworld.documents import write_documents
    from nsp_ablation.microworld.tasks import write_tasks

    num_documents = corpus.num_documents
    assert num_documents is not None

    def build(directory: Path) -> None:
        write_documents(directory / "documents.jsonl", num_documents, corpus.seed)
        write_tasks(directory / "tasks", corpus.seed)

    return build_once(artifacts / "microworld" / microworld_fingerprint(corpus), build)


def microworld_fingerprint(corpus: CorpusConfig) -> str:
    """Return the fingerprint of the micro-world: its generator's source, seed and size."""
    import nsp_ablation.microworld as package

    sources = sorted(Path(package.__path__[0]).glob("*.py"))
    return fingerprint([files_fingerprint(sources), corpus.seed, corpus.num_documents])


def corpus_fingerprint(corpus: CorpusConfig) -> str:
    """Return the fingerprint of the corpus' content: its files' bytes, or what pins it down elsewhere."""
    if corpus.reader == "microworld":
        return microworld_fingerprint(corpus)
    if corpus.reader == "hub":
        return fingerprint([vars(source) for source in corpus.hub])
    return files_fingerprint(_files(corpus))


def read_documents(corpus: CorpusConfig, artifacts: Path, *, heldout: bool) -> Iterator[Document]:
    """Yield the training documents, or the held-out ones, in the corpus' order."""
    for document in islice(_all_documents(corpus, artifacts), corpus.num_documents):
        if is_heldout(document.text, corpus.heldout_fraction) == heldout:
            yield document


def check_borders(config: Config, artifacts: Path) -> None:
    """Refuse a corpus that the format cannot use, before anything is built.

    Raises ValueError for a corpus without documents, and for `doc` and the pair formats for one without document
    borders. Warns where blank lines look like the ends of paragraphs (median below 3 sentences).
    """
    from nsp_ablation.corpus.sentences import split_sentences

    corpus = config.corpus
    first = list(islice(_all_documents(corpus, artifacts), _NUM_LOOKED_AT))
    if not first:
        raise ValueError(f"corpus.path={corpus.path} holds no document; name files with text")
    if config.format.name != "full" and len(first) < 2:
        raise ValueError(
            f"format={config.format.name} needs document borders, and corpus.path={corpus.path} holds one document"
            f" only ({_border_remedy(corpus)}), or use format=full"
        )
    if corpus.reader != "text" or corpus.document_border != "blank_line":
        return
    lengths = [len(split_sentences(d.text, corpus.language, corpus.one_sentence_per_line)) for d in first]
    if statistics.median(lengths) < 3:
        log.warning(
            "corpus.document_border=blank_line: the median document has %g sentences; if blank lines end paragraphs, "
            "set corpus.document_border=file",
            statistics.median(lengths),
        )


def _border_remedy(corpus: CorpusConfig) -> str:
    if corpus.reader == "text" and corpus.document_border == "blank_line":
        return "separate documents by blank lines, or give one file each with corpus.document_border=file"
    if corpus.reader == "text":
        return "give several files"
    return "give one JSON object a document"


def _files(corpus: CorpusConfig) -> list[Path]:
    assert corpus.path is not None
    return expand(corpus.path)


def _all_documents(corpus: CorpusConfig, artifacts: Path) -> Iterator[Document]:
    from nsp_ablation.corpus.hub import read_hub
    from nsp_ablation.corpus.jsonl import read_jsonl
    from nsp_ablation.corpus.text import read_text

    if corpus.reader == "microworld":
        yield from read_jsonl([microworld_directory(corpus, artifacts) / "documents.jsonl"], "text")
    elif corpus.reader == "text":
        assert corpus.document_border is not None
        yield from read_text(_files(corpus), corpus.document_border)
    elif corpus.reader == "jsonl":
        assert corpus.text_key is not None
        yield from read_jsonl(_files(corpus), corpus.text_key)
    else:
        for source in corpus.hub:
            yield from read_hub(
                source.path, source.name, source.revision, source.split, source.text_key, source.document_key
            )
