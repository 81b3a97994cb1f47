"""One page of text in every input format: what `inspect.figure` draws, made by the code that training uses."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import drawn_epoch, make_format
from nsp_ablation.samples.inspection.contract import sample_rows
from nsp_ablation.text.store.token_store import TokenStore

NUM_DOCUMENTS = 3
_NUM_LOOKED_AT = 1000
_MIN_SENTENCES = 2


@dataclass(frozen=True)
class Panel:
    """One format's inputs from the page, all of them: rows of the inspection contract, under their masks."""

    format_name: str
    objective: str
    frame: Frame
    rows: list[dict[str, Any]]

    @property
    def fill(self) -> float:
        """Share of T that tokens fill, over all inputs."""
        return float(np.mean([len(row["input_ids"]) for row in self.rows])) / self.frame.max_length


@dataclass(frozen=True)
class Page:
    """The page's documents as a store of their own, and a panel for each format."""

    store: TokenStore
    panels: list[Panel]


def make_page(
    store: TokenStore, frame: Frame, masks: Masks, own: FormatOptions, objective: str, *, seed: int, epoch: int
) -> Page:
    """Return a page of the corpus in every format, whichever of them `own` names.

    `objective` is what pairs are trained for; its order of segments is theirs. Raises InputError if the corpus'
    beginning has no two documents of two sentences, or a format makes no pair of them.
    """
    documents = page_documents(store, frame.max_length)
    page = TokenStore.from_documents([document_sentences(store, document) for document in documents], frame.vocab_size)
    panels = []
    for name, facts in FORMATS.items():
        options = format_choice(own, name)
        its_frame = replace(
            frame, pair_separators=options.num_pair_separators, sentence_separator=options.sentence_separator
        )
        its_objective = objective if facts.is_pair else "mlm"
        built = make_format(options, "sop" if its_objective == "mlm_sop" else "nsp")
        index = built.index(page, its_frame, seed, drawn_epoch(options, masks.options, epoch))
        rows = sample_rows(page, index, its_frame, masks, epoch, np.arange(index.num_samples))
        panels.append(Panel(name, its_objective, its_frame, list(rows)))
    return Page(page, panels)


def format_choice(own: FormatOptions, name: str) -> FormatOptions:
    """Return the options of the format `name`: those of `own` that it has, else the default ones."""
    kept = {key: getattr(own, key) for key in ("resample", *FORMATS[name].options)}
    return FormatOptions(name, **kept)


def page_documents(store: TokenStore, max_length: int) -> list[int]:
    """Return the documents of a page, in corpus order: three of the first thousand, T to 2 T tokens long if possible.

    Such documents fill an input and end in the next. Raises InputError if fewer than two have two sentences.
    """
    borders = np.asarray(store.document_offsets[: _NUM_LOOKED_AT + 1])
    tokens = np.diff(np.asarray(store.sentence_offsets)[borders])
    (usable,) = np.nonzero(np.diff(borders) >= _MIN_SENTENCES)
    if len(usable) < 2:
        raise InputError(
            f"inspect.figure shows pairs from several documents, but of the first {len(tokens)} documents only "
            f"{len(usable)} have two sentences: give another corpus, or check its document borders"
        )
    distances = np.maximum(np.maximum(max_length - tokens, tokens - 2 * max_length), 0)[usable]
    nearest = np.argsort(distances, kind="stable")[:NUM_DOCUMENTS]
    return sorted(usable[nearest].tolist())


def document_sentences(store: TokenStore, document: int) -> list[list[int]]:
    """Return the token ids of a document's sentences."""
    first, end = store.document_offsets[document : document + 2].tolist()
    borders = store.sentence_offsets[first : end + 1].tolist()
    return [store.ids[start:stop].tolist() for start, stop in zip(borders[:-1], borders[1:], strict=True)]
