"""`SampleIndex`: every sample of one epoch in one format, as spans of the token store.

Legend: N samples, P spans (P >= N).
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

_ARRAYS = ("spans", "separators", "offsets")
_LABELS = ("is_random_next", "is_swapped")
_COUNTS = ("is_pair", "trimmed_tokens", "cut_sentences", "fingerprint", "left_out_sentences")


@dataclass
class SampleIndex:
    """All samples of an epoch; holds no token ids, so another format re-tokenises nothing.

    Sample i owns the spans `offsets[i]` to `offsets[i + 1]` and reads
    `[CLS] span [SEP]*separators span [SEP]*separators ...`; the last span's separators are the closing [SEP].

    spans (P, 2) int64, `[start, end)` in tokens of the store, never empty; separators (P,) uint8; offsets (N + 1,)
    int64 in spans. If `is_pair`, a sample has exactly two spans, A and B. `is_random_next` (N,) bool: B is from
    another document (NSP label 1); `is_swapped` (N,) bool: B precedes A in the text (SOP label 1); each is None where
    the format has no such label. `trimmed_tokens` counts tokens cut off pairs longer than T, `cut_sentences` the
    sentences that a block could not hold whole, `left_out_sentences` those in no pair, for want of a next one.
    `fingerprint` names all that the samples depend on. The arrays are made read-only.
    """

    spans: np.ndarray
    separators: np.ndarray
    offsets: np.ndarray
    is_pair: bool
    is_random_next: np.ndarray | None
    is_swapped: np.ndarray | None
    trimmed_tokens: int
    cut_sentences: int
    fingerprint: str
    left_out_sentences: int = 0

    def __post_init__(self) -> None:
        for name in (*_ARRAYS, *_LABELS):
            array = getattr(self, name)
            setattr(self, name, None if array is None else readonly(array))

    @property
    def num_samples(self) -> int:
        """N, the samples of the epoch."""
        return len(self.offsets) - 1

    def lengths(self) -> np.ndarray:
        """Return (N,) int64, the real tokens of each sample: [CLS], content and every separator, no padding."""
        if self.num_samples == 0:
            return np.zeros(0, np.int64)
        span_lengths = self.spans[:, 1] - self.spans[:, 0] + self.separators
        return 1 + np.add.reduceat(span_lengths, self.offsets[:-1])

    def special_tokens(self) -> np.ndarray:
        """Return (N,) int64, how many of the real tokens of each sample are [CLS] and separators."""
        if self.num_samples == 0:
            return np.zeros(0, np.int64)
        return 1 + np.add.reduceat(self.separators.astype(np.int64), self.offsets[:-1])

    def save(self, directory: Path) -> None:
        """Write the index into `directory` (made if absent), one .npy an array, and `meta.json` last."""
        directory.mkdir(parents=True, exist_ok=True)
        labels = [name for name in _LABELS if getattr(self, name) is not None]
        for name in (*_ARRAYS, *labels):
            np.save(directory / f"{name}.npy", getattr(self, name))
        write_json(directory / "meta.json", {"labels": labels} | {name: getattr(self, name) for name in _COUNTS})

    @classmethod
    def open(cls, directory: Path) -> "SampleIndex":
        """Open an index that `save` wrote, memory-mapped read-only: its size in RAM does not grow with the corpus."""
        meta = read_json(directory / "meta.json")
        names = (*_ARRAYS, *meta["labels"])
        arrays = {name: np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
        return cls(**{**dict.fromkeys(_LABELS), **arrays, **{name: meta[name] for name in _COUNTS}})


def index_fingerprint(
    options: FormatOptions, order: str | None, store: TokenStore, frame: Frame, draws: tuple[int, int] | None
) -> str:
    """Return the fingerprint of an index from what it depends on: the format's own options, never another's.

    `order` is None without pairs; `draws` is (seed, epoch), or None if none is made.
    """
    own = {key: getattr(options, key) for key in ("name", *FORMATS[options.name].options)}
    return fingerprint([own, order, store.fingerprint, asdict(frame), draws])


class NoSamplesError(InputError):
    """Documents of which a format, as it is set, can make no samples."""


def refuse_empty(store: TokenStore) -> None:
    """Raise NoSamplesError if the store holds no document."""
    if store.num_documents == 0:
        raise NoSamplesError(
            "the corpus has no documents: give another corpus.path or a smaller corpus.heldout_fraction"
        )


def readonly(array: np.ndarray) -> np.ndarray:
    """Return a read-only view of an array or memory map, so that a kernel is compiled once for both."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
