"""One page of text in the four input formats: what `inspect.figure` draws, made by the code that training uses."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.options.format_options import FORMATS, FormatOptions, is_pair
from nsp_ablation.pipeline.feed import make_frame, make_spec
from nsp_ablation.samples.batches.masking import MaskSpec
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
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
        """Share of the room T of all inputs that tokens fill."""
        return float(np.mean([len(row["input_ids"]) for row in self.rows])) / self.frame.max_length


@dataclass(frozen=True)
class Page:
    """The page's documents as a store of their own, and a panel for each format."""

    store: TokenStore
    spec: MaskSpec
    panels: list[Panel]


def make_page(config: Config, store: TokenStore, tokenizer: Path) -> Page:
    """Return a page of the corpus in the four formats, whichever of them the configuration names.

    Raises ValueError if the corpus' beginning has no two documents of two sentences, or a format makes no pair of them.
    """
    spec = make_spec(config, tokenizer)
    documents = page_documents(store, config.max_length)
    vocab_size = make_frame(config, tokenizer).vocab_size
    page = TokenStore.from_documents([_sentences(store, document) for document in documents], vocab_size)
    panels = []
    for name in FORMATS:
        choice = format_choice(config.format, name)
        own = replace(config, format=choice)
        objective = resolved_objective(own) if is_pair(name) else "mlm"
        frame = make_frame(own, tokenizer)
        options = {key: getattr(choice, key) for key in ("nsp_balance", "lone_sentences", "pairs", "resample")}
        built = make_format(name, **options, order="sop" if objective == "mlm_sop" else "nsp")
        epoch = spec.mask_epoch(config.inspect.epoch) if choice.resample else 0
        index = built.index(page, frame, config.seed, epoch)
        rows = sample_rows(page, index, frame, spec, config.inspect.epoch, np.arange(index.num_samples))
        panels.append(Panel(name, objective, frame, list(rows)))
    return Page(page, spec, panels)


def format_choice(own: FormatOptions, name: str) -> FormatOptions:
    """Return the options of the format `name`: those of `own` where it has them, else the shipped ones."""
    kept = {key: getattr(own, key) for key in ("resample", *FORMATS[name].options)}
    return FormatOptions(name, **kept)


def page_documents(store: TokenStore, max_length: int) -> list[int]:
    """Return the documents of a page, in corpus order: three of the first thousand, T to 2 T tokens long if possible.

    Such documents fill an input and end in the next. Raises ValueError if fewer than two have two sentences.
    """
    borders = np.asarray(store.document_offsets[: _NUM_LOOKED_AT + 1])
    tokens = np.diff(np.asarray(store.sentence_offsets)[borders])
    (usable,) = np.nonzero(np.diff(borders) >= _MIN_SENTENCES)
    if len(usable) < 2:
        raise ValueError(
            f"inspect.figure shows pairs from several documents, but of the first {len(tokens)} documents only "
            f"{len(usable)} have two sentences: give another corpus, or check its document borders"
        )
    distances = np.maximum(np.maximum(max_length - tokens, tokens - 2 * max_length), 0)[usable]
    nearest = np.argsort(distances, kind="stable")[:NUM_DOCUMENTS]
    return sorted(usable[nearest].tolist())


def _sentences(store: TokenStore, document: int) -> list[list[int]]:
    first, end = store.document_offsets[document : document + 2].tolist()
    borders = store.sentence_offsets[first : end + 1].tolist()
    return [store.ids[start:stop].tolist() for start, stop in zip(borders[:-1], borders[1:], strict=True)]
