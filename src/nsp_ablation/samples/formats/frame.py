"""The frame of a sample: how long it may be, and which special tokens stand round its content."""

from dataclasses import dataclass

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import MIN_MAX_LENGTH, TokenLayout


@dataclass(frozen=True)
class Frame(TokenLayout):
    """The layout of a sample, shared by the formats (capacity for content) and the assembly of inputs.

    `special_ids` holds every id that is never drawn as a random token. `pair_separators` is 1
    (`format.pair_separator=single`) or 2 (`double`). `sentence_separator` puts a [SEP] after each sentence and belongs
    to FULL and DOC alone. Raises InputError if `max_length` is below 8.
    """

    special_ids: tuple[int, ...]
    vocab_size: int
    sentence_separator: bool

    def __post_init__(self) -> None:
        if self.max_length < MIN_MAX_LENGTH:
            raise InputError(
                f"max_length={self.max_length} leaves no room for two segments and their special tokens; "
                f"set it to {MIN_MAX_LENGTH} or more"
            )
        assert self.pair_separators in (1, 2), self.pair_separators
