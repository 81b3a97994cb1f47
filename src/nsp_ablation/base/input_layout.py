"""How the inputs of tasks and probes are laid out round their text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InputLayout:
    """[CLS] A [SEP] * pair_separators B [SEP], at most `max_length` tokens; special tokens by id.

    `second_type` is the token type of B and its [SEP] (all else has type 0).
    """

    max_length: int
    cls: int
    sep: int
    mask: int
    pad: int
    pair_separators: int
    second_type: int

    @property
    def capacity(self) -> int:
        """Tokens left for one text."""
        return self.max_length - 2

    @property
    def pair_capacity(self) -> int:
        """Tokens left for two texts together."""
        return self.max_length - 2 - self.pair_separators
