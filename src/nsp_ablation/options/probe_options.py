"""Zero-shot probes: what all of them share, and the layouts that held-out text is read in."""

from dataclasses import dataclass

from nsp_ablation.options.setting import science


@dataclass(frozen=True)
class LayoutFacts:
    """How held-out text is laid out for a probe, in any arm alike: its `title`, whether an input is a pair of segments,
    and whether it goes on past the end of a document."""

    title: str
    is_pair: bool = False
    crosses_documents: bool = False


LAYOUTS = {
    "full": LayoutFacts("FULL", crosses_documents=True),
    "doc": LayoutFacts("DOC"),
    "pair": LayoutFacts("pair", is_pair=True),
}
IN_RANGE_SHARE = 0.01  # of an arm's inputs that must have a position for it to count as trained
SENTENCE_SIZE = "sentence"  # of inputs of single sentences
MIN_PAIR_LENGTH = 10  # T of a pair: A and B, and what stands between and around them


@dataclass
class ProbesOptions:
    """What the zero-shot probes of a study share."""

    in_range_tokens: int | None = science(
        None,
        "Tokens of the inputs that are in range of every arm: each position trained on at least 1 % of its inputs "
        "(stage=inspect prints it); null: tasks.<name>.short_share of T.",
        low=MIN_PAIR_LENGTH,
        high=2**20,
    )


def measured_name(layout: str, size: str) -> str:
    """Return what a layout is called in metrics where its inputs have a size: `pair`, `pair_short`, `doc_sentence`."""
    return f"{layout}_{size}" if size else layout
