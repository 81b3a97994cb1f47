"""The frame of a sample: how long it may be, and which special tokens stand round its content."""

from dataclasses import dataclass

MIN_MAX_LENGTH = 8


@dataclass(frozen=True)
class Frame:
    """The layout of special tokens, shared by the formats (capacity for content) and the assembly of inputs.

    A single sequence is `[CLS] content [SEP]`, a pair `[CLS] A [SEP]*pair_separators B [SEP]`. `max_length` is T in
    tokens, special tokens included. `special_ids` holds every id that is never drawn as a random token.
    `pair_separators` is 1 (`format.pair_separator=single`) or 2 (`double`). `sentence_separator` puts a [SEP] after
    each sentence and belongs to FULL and DOC alone. Raises ValueError if `max_length` is below 8.
    """

    max_length: int
    cls: int
    sep: int
    mask: int
    pad: int
    special_ids: tuple[int, ...]
    vocab_size: int
    pair_separators: int
    sentence_separator: bool

    def __post_init__(self) -> None:
        if self.max_length < MIN_MAX_LENGTH:
            raise ValueError(
                f"max_length={self.max_length} leaves no room for two segments and their special tokens; "
                f"set it to {MIN_MAX_LENGTH} or more"
            )
        assert self.pair_separators in (1, 2), self.pair_separators

    @property
    def capacity(self) -> int:
        """Tokens and inner separators that a single sequence holds: T less [CLS] and the closing [SEP]."""
        return self.max_length - 2

    @property
    def pair_capacity(self) -> int:
        """Tokens that A and B hold together: T less [CLS], the separators between them and the closing [SEP]."""
        return self.max_length - 2 - self.pair_separators
