"""Checks of what was prepared: the bounds of the data card, before anything is trained on it."""

from dataclasses import dataclass

from nsp_ablation.options.setting import machine


@dataclass
class CheckOptions:
    """The data card's bounds, and what follows where a corpus is outside of them. They change no result."""

    max_unknown_share: float = machine(0.02, "Largest share of [UNK] among the tokens.", low=0.0, high=1.0)
    max_label_share: float = machine(
        0.9,
        "Largest share of one label of NSP or SOP among the pairs, where the objective has that loss.",
        low=0.5,
        high=1.0,
    )
    min_sentences_per_document: float | None = machine(
        None,
        "Least sentences of the median document; null: 2 for the pair formats, 1 for the others.",
        low=0.0,
        high=2**40,
    )
    on_fail: str = machine("refuse", "Outside of a bound: refuse the cell, or warn and go on.", "refuse", "warn")
