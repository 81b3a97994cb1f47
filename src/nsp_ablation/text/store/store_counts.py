"""What was counted while a token store was built, read from beside its arrays."""

from dataclasses import dataclass, fields
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.text.store.token_store import META_FILE, TokenStore

HELDOUT = "heldout"  # the directory of the store of all documents held out, the reporting half before the tuning one
NEAR_DUPLICATES_FILE = "near_duplicates.json"  # beside the stores, where near-duplicates were taken from the corpus


@dataclass(frozen=True)
class StoreCounts:
    """Counts of one store of a corpus; `longest_sentence` is in tokens.

    num_unknown: tokens that are [UNK]. num_duplicates: documents that repeat an earlier one of the store but for white
    space and case. num_in_both: held-out documents that stand in training too, but for these.
    least_heldout_fractions: those of the store's documents that `corpus.heldout_fraction` reaches first, ascending;
    above the k-th of them k documents are held out.
    """

    num_documents: int
    num_sentences: int
    num_tokens: int
    num_unknown: int
    longest_sentence: int
    num_duplicates: int
    num_in_both: int
    least_heldout_fractions: list[float]

    @classmethod
    def read(cls, directory: Path) -> "StoreCounts":
        """Read the counts of a store's directory."""
        meta = read_json(directory / META_FILE)
        return cls(**{field.name: meta[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class NearDuplicates:
    """Near-duplicates that were taken before anything was held out, of how many that were read; bytes of UTF-8 text."""

    documents: int
    bytes: int
    of_documents: int
    of_bytes: int

    @classmethod
    def read(cls, directory: Path) -> "NearDuplicates | None":
        """Read the counts beside the stores in `directory`; None where all near-duplicates were kept."""
        path = directory / NEAR_DUPLICATES_FILE
        if not path.is_file():
            return None
        counts = read_json(path)
        return cls(**{field.name: counts[field.name] for field in fields(cls)})


def open_heldout(directory: Path, part: str) -> TokenStore:
    """Open a part of the store of held-out documents in `directory`: reporting, tuning or all."""
    store, border = TokenStore.open(directory), read_json(directory / META_FILE)["num_reporting_documents"]
    first, end = {"reporting": (0, border), "tuning": (border, store.num_documents), "all": (0, store.num_documents)}[
        part
    ]
    return store.part(first, end)
