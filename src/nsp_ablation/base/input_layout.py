"""How inputs are laid out round their text."""

from dataclasses import dataclass

MIN_MAX_LENGTH = 8  # of T: two segments and their special tokens


@dataclass(frozen=True)
class TokenLayout:
    """`[CLS] A [SEP]` or `[CLS] A [SEP]*pair_separators B [SEP]`, with the special tokens by id.

    `max_length` is T in tokens, special tokens included.
    """

    max_length: int
    cls: int
    sep: int
    mask: int
    pad: int
    pair_separators: int

    @property
    def capacity(self) -> int:
        """Tokens, and separators between them, that a single sequence holds: T less [CLS] and the closing [SEP]."""
        return self.max_length - 2

    @property
    def pair_capacity(self) -> int:
        """Tokens that A and B hold together: T less [CLS], the separators between them and the closing [SEP]."""
        return self.max_length - 2 - self.pair_separators


@dataclass(frozen=True)
class InputLayout(TokenLayout):
    """The layout of an input of a task or a probe.

    `second_type` is the token type of B and its [SEP] (all else has type 0).
    """

    second_type: int
