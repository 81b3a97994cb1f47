"""Input formats (Liu et al. 2019, section 4.2): their settings and what tells them apart."""

from dataclasses import dataclass

from nsp_ablation.options.setting import REQUIRED, science


@dataclass(frozen=True)
class FormatFacts:
    """What the rest of the project needs to know of a format.

    `title` is the paper's name; `options` are the keys of `FormatOptions` that it has besides `name` and `resample`;
    `module` implements it (`make`). An update under budget=paper matches the tokens of `matches` (None: it takes
    `batch.sequences`). `nominal_share` of T, or `nominal_tokens`, is a sample's length where no corpus is at hand.
    The median document must have `min_sentences` unless `checks.min_sentences_per_document` says otherwise.
    """

    title: str
    description: str
    module: str
    options: tuple[str, ...]
    is_pair: bool = False
    needs_borders: bool = True
    matches: str | None = None
    nominal_share: float = 1.0
    nominal_tokens: int | None = None
    min_sentences: int = 1


FORMATS = {
    "segment_pair": FormatFacts(
        title="SEGMENT-PAIR",
        description="Two segments of several sentences, together up to T. B follows A; half of the time it comes from "
        "another document instead.",
        module="nsp_ablation.samples.formats.segment_pair",
        is_pair=True,
        min_sentences=2,
        options=("pair_separator", "random_next", "nsp_balance", "lone_sentences"),
    ),
    "sentence_pair": FormatFacts(
        title="SENTENCE-PAIR",
        description="Two single sentences. B is the next one; half of the time it comes from another document "
        "instead. Much shorter than T.",
        module="nsp_ablation.samples.formats.sentence_pair",
        is_pair=True,
        min_sentences=2,
        options=("pair_separator", "random_next", "lone_sentences", "pairs"),
        matches="segment_pair",
        nominal_tokens=53,  # two sentences of 25 tokens each
    ),
    "full": FormatFacts(
        title="FULL-SENTENCES",
        description="Whole sentences in a row, up to T. It goes on past the end of a document, after an extra "
        "separator.",
        module="nsp_ablation.samples.formats.full",
        needs_borders=False,
        options=("sentence_separator", "lengths", "attention"),
    ),
    "doc": FormatFacts(
        title="DOC-SENTENCES",
        description="Whole sentences in a row, up to T, never past the end of a document, near which inputs are "
        "shorter.",
        module="nsp_ablation.samples.formats.doc",
        options=("sentence_separator",),
        matches="full",
        nominal_share=2 / 3,
    ),
}
BUDGETS = ("paper", "tokens", "sequences")


@dataclass
class FormatOptions:
    """The input format and its open points. A key that a format does not have keeps its default, the paper's choice."""

    name: str = science(REQUIRED, "The input format.", *FORMATS)
    sentence_separator: bool = science(
        False, "Put [SEP] after every sentence, not between documents alone (fidelity row 5)."
    )
    pair_separator: str = science(
        "single", "[SEP] between A and B: one as in BERT, two as in RoBERTa (fidelity row 6).", "single", "double"
    )
    random_next: float = science(
        0.5,
        "How often B is random where there is a choice: 0.5, BERT's coin, or 0: B always follows A (fidelity row 27).",
        low=0.0,
        high=0.5,
    )
    nsp_balance: str = science(
        "bert", "Random B: by BERT's coin, or so often that half of all pairs are (fidelity row 8).", "bert", "exact"
    )
    lone_sentences: str = science(
        "random", "A document of one sentence: paired with a random B, or left out (fidelity row 9).", "random", "skip"
    )
    pairs: str = science(
        "overlapping", "Each sentence is A once, or each is read once (fidelity row 10).", "overlapping", "disjoint"
    )
    lengths: str = science(
        "full",
        "Blocks are filled up to T, or as long as DOC's inputs, in a drawn order (fidelity row 28).",
        "full",
        "doc",
    )
    attention: str = science(
        "sequence", "What a token attends to: its whole sequence, or its document's part of it.", "sequence", "document"
    )
    resample: bool = science(False, "Draw pairs or blocks anew in every epoch (fidelity row 14).")

    @property
    def num_pair_separators(self) -> int:
        """How many [SEP] stand between A and B."""
        return 2 if self.pair_separator == "double" else 1


def is_pair(format_name: str | None) -> bool:
    """Whether a format's samples are pairs; False for None."""
    return format_name is not None and FORMATS[format_name].is_pair


def matched_format(budget: str, format_name: str) -> str | None:
    """Return the format whose mean length, times B, an update holds; None: it takes B sequences (fidelity row 1)."""
    return {"paper": FORMATS[format_name].matches, "tokens": "full", "sequences": None}[budget]
