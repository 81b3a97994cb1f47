"""A look at the first documents of a corpus, before anything is built: what cannot work, and what looks like a slip."""

import logging
import statistics
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import BORDER_LAYOUTS, READERS, CorpusOptions
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.options.languages import WITHOUT_MARKS
from nsp_ablation.text.corpus.borders import layout_of
from nsp_ablation.text.corpus.document import Document, is_heldout
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, read_documents

log = logging.getLogger(__name__)

# How much is looked at: enough for a median, read in well under a second; what is kept of it is bounded.
_NUM_DOCUMENTS, _NUM_CHARACTERS = 1000, 1 << 22


def check_first_documents(documents: Iterator[Document], options: CorpusOptions, format_name: str) -> None:
    """Refuse a corpus that the format cannot use.

    Raises InputError for a corpus without documents, for one without document borders where the format needs them, and
    for one whose documents are all held out. Warns where blank lines look like the ends of paragraphs (median below 3
    sentences), where lines look like the borders of another layout, and of a language without marks.
    """
    from nsp_ablation.text.corpus.sentences import split_sentences

    kept, num_documents, num_heldout = list[str](), 0, 0
    is_all, num_characters = True, 0
    for document in documents:
        if num_documents == _NUM_DOCUMENTS or (num_documents > 1 and num_characters > _NUM_CHARACTERS):
            is_all = False
            break
        num_documents += 1
        num_characters += len(document.text)
        num_heldout += is_heldout(document.heldout_digest(), options.heldout_fraction)
        kept.append(document.text[:_NUM_CHARACTERS])
    if not num_documents:
        raise InputError(f"{_name(options)} holds no document; name files with text")
    if FORMATS[format_name].needs_borders and num_documents < 2:
        free = next(name for name, facts in FORMATS.items() if not facts.needs_borders)
        raise InputError(
            f"format={format_name} needs document borders, and {_name(options)} holds one document only "
            f"({_border_remedy(options)}), or use format={free}"
        )
    if is_all and num_heldout == num_documents:
        raise all_held_out(options, num_heldout)
    if READERS[options.reader].reads_files:
        counts = [
            len(split_sentences(text, options.language, options.one_sentence_per_line, options.split_quotations))
            for text in kept
        ]
        _warn(options, kept, statistics.median(counts))


def check_every_file(files: Sequence[Path], options: CorpusOptions, format_name: str) -> None:
    """Refuse files without a border, of a layout whose every file has some, for a format that needs document borders.

    Such a file is a run of documents whose borders are lost, and not one long document: for other formats a warning
    says so. Raises InputError naming the file. Reads the first two documents of each.
    """
    layout = BORDER_LAYOUTS.get(options.border_pattern or "")
    if layout is None or not layout.in_every_file or options.document_border != "pattern":
        return
    for path in files:
        if len(list(islice(read_documents(Source(options, (whole(path),))), 2))) > 1:
            continue
        reason = f"{path} has no line that parts documents (corpus.border_pattern={options.border_pattern})"
        if FORMATS[format_name].needs_borders:
            free = next(name for name, facts in FORMATS.items() if not facts.needs_borders)
            raise InputError(
                f"format={format_name} needs document borders, and {reason}; leave it out of corpus.path, or use "
                f"format={free}"
            )
        log.warning("%s: it counts as one document, which is trained on or held out as a whole", reason)


def all_held_out(options: CorpusOptions, num_documents: int) -> InputError:
    """Return the error for a corpus of which nothing is left to train on."""
    which = "the only document" if num_documents == 1 else f"all {num_documents} documents"
    return InputError(
        f"corpus.heldout_fraction={options.heldout_fraction:g} holds out {which} of {_name(options)}, and none is left "
        "to train on; set corpus.heldout_fraction=0, or give more documents"
    )


def _warn(options: CorpusOptions, texts: list[str], median: float) -> None:
    layout = layout_of(texts) if options.reader == "text" and options.document_border != "pattern" else None
    if layout:
        log.warning(
            "corpus.document_border=%s: lines look like the layout of %s; for its documents set "
            "corpus.document_border=pattern corpus.border_pattern=%s",
            options.document_border,
            layout,
            layout,
        )
    elif options.document_border == "blank_line" and median < 3:
        log.warning(
            "corpus.document_border=blank_line: the median document has %g sentences; if blank lines end "
            "paragraphs, set corpus.document_border=file",
            median,
        )
    if options.language in WITHOUT_MARKS and not options.one_sentence_per_line:
        log.warning(
            "corpus.language=%s: its sentences end without marks that the splitter knows, so that a paragraph is one; "
            "split them yourself, a line each, and set corpus.one_sentence_per_line=true",
            options.language,
        )


def _name(options: CorpusOptions) -> str:
    if READERS[options.reader].reads_files:
        return f"corpus.path={options.path}"
    return f"corpus={options.name}"


def _border_remedy(options: CorpusOptions) -> str:
    if options.reader == "text" and options.document_border == "blank_line":
        return "separate documents by blank lines, or give one file each with corpus.document_border=file"
    if options.reader == "text" and options.document_border == "pattern":
        return "correct corpus.border_pattern"
    if options.reader == "text":
        return "give several files"
    return "give one object or row per document"
