"""The lines of the data card: what the corpus is as the model reads it, each with its value and a verdict.

The verdict of a line is `info` where there is no bound, else `ok`, `warn` or `refused`.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from nsp_ablation.options.check_options import CheckOptions
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.samples.inspection.ngram_overlap import NGRAM_TOKENS, Overlap
from nsp_ablation.text.store.store_counts import NearDuplicates, StoreCounts
from nsp_ablation.text.store.token_store import TokenStore

SENTENCES, UNKNOWN, LABELS = "sentences_per_document", "unknown_share", "label_share"
_FEW_SENTENCES = 3  # of the median document: below it paragraphs, or rows, are likely taken for documents
_DECILES = np.arange(1, 10) / 10
_CHUNK_SPANS = 1 << 20


@dataclass(frozen=True)
class CardLine:
    """A line: `title` and `text` are for reading, `value` holds the same numbers exactly, as JSON values.

    `bound` is what the value is held against, None where there is none.
    """

    name: str
    title: str
    text: str
    value: Any
    verdict: str = "info"
    bound: float | None = None


def judged(line: CardLine, checks: CheckOptions, min_sentences: int) -> CardLine:
    """Return a line with bound and verdict by the checks, of a format that needs `min_sentences` in a document."""
    failed = "refused" if checks.on_fail == "refuse" else "warn"
    if line.name == UNKNOWN:
        is_fine = line.value["share"] <= checks.max_unknown_share
        return replace(line, bound=checks.max_unknown_share, verdict="ok" if is_fine else failed)
    if line.name == LABELS:
        is_fine = line.value["most"] <= checks.max_label_share
        return replace(line, bound=checks.max_label_share, verdict="ok" if is_fine else failed)
    if line.name == SENTENCES:
        least = checks.min_sentences_per_document
        least = float(min_sentences) if least is None else least
        is_doubtful = line.value["median"] < _FEW_SENTENCES and checks.min_sentences_per_document is None
        fine = "warn" if is_doubtful else "ok"
        return replace(line, bound=least, verdict=fine if line.value["median"] >= least else failed)
    if line.name.startswith("examples."):
        return replace(line, bound=1, verdict="ok" if line.value["examples"] else failed)
    return line


def near_duplicates_line(taken: NearDuplicates) -> CardLine:
    """Return the line of what was taken of a corpus, and is in none of the other lines."""
    share, byte_share = taken.documents / max(1, taken.of_documents), taken.bytes / max(1, taken.of_bytes)
    text = f"{taken.documents:,} of {taken.of_documents:,} documents ({_percent(share)})"
    text += f", {taken.bytes:,} bytes of text ({_percent(byte_share)})"
    value = asdict(taken) | {"share": share, "byte_share": byte_share}
    return CardLine("near_duplicates_removed", "near-duplicates removed", text, value)


def corpus_lines(store: TokenStore, counts: StoreCounts, heldout: StoreCounts | None) -> Iterator[CardLine]:
    """Yield what a corpus is in the tokenizer's tokens; the held-out documents are in one line of their own."""
    documents = np.asarray(store.document_offsets)
    text = f"{counts.num_documents:,} ({counts.num_sentences:,} sentences)"
    yield CardLine("documents", "documents", text, counts.num_documents)
    share = counts.num_duplicates / counts.num_documents
    text = f"{counts.num_duplicates:,} ({_percent(share)})"
    yield CardLine("duplicates", "duplicates", text, {"documents": counts.num_duplicates, "share": share})
    yield _distribution(SENTENCES, "sentences per document", np.diff(documents), counts.num_sentences)
    lengths = np.diff(np.asarray(store.sentence_offsets)[documents])
    yield _distribution("tokens_per_document", "tokens per document", lengths, counts.num_tokens)
    longest = f"{counts.longest_sentence:,} tokens"
    yield CardLine("longest_sentence", "longest sentence", longest, counts.longest_sentence)
    unknown = {"tokens": counts.num_unknown, "share": counts.num_unknown / counts.num_tokens}
    yield CardLine(UNKNOWN, "[UNK]", f"{_percent(unknown['share'])} of {counts.num_tokens:,} tokens", unknown)
    held = {"documents": 0, "sentences": 0, "tokens": 0, "in_training": 0}
    if heldout is not None:
        numbers = heldout.num_documents, heldout.num_sentences, heldout.num_tokens, heldout.num_in_both
        held = dict(zip(held, numbers, strict=True))
    text = f"{held['documents']:,} documents, {held['tokens']:,} tokens"
    text += f", {held['in_training']:,} in training too" if held["in_training"] else ""
    yield CardLine("held_out", "held out", text, held)


def format_lines(store: TokenStore, index: SampleIndex, *, has_pair_loss: bool) -> Iterator[CardLine]:
    """Yield what a format does to the corpus; the share of labels where the objective has a loss on pairs."""
    if index.is_pair:
        num_cut, num_read = _cut_in_pairs(store, index)
    else:
        num_cut, num_read = index.cut_sentences, store.num_sentences
    cut = {"sentences": num_cut, "share": num_cut / max(1, num_read), "tokens_left_out": index.trimmed_tokens}
    text = f"{num_cut:,} ({_percent(cut['share'])})"
    text += f", {index.trimmed_tokens:,} tokens left out" if index.trimmed_tokens else ""
    yield CardLine("cut_sentences", "cut sentences", text, cut)
    labels, names = index.is_random_next, ("next", "random")
    if labels is None:
        labels, names = index.is_swapped, ("in order", "swapped")
    if labels is not None and has_pair_loss:
        share = float(np.mean(labels))
        value = {"pairs": len(labels), names[0]: 1 - share, names[1]: share, "most": max(share, 1 - share)}
        yield CardLine(LABELS, "pair labels", f"{_percent(share)} {names[1]} of {len(labels):,}", value)


def example_line(name: str, num_examples: int, reason: str | None) -> CardLine:
    """Return the line of a probe: how many examples it will have; `reason` says why there is none."""
    text = f"{num_examples:,} example{'' if num_examples == 1 else 's'}"
    return CardLine(f"examples.{name}", name, text, {"examples": num_examples, "reason": reason})


def overlap_line(name: str, overlap: Overlap) -> CardLine:
    """Return the line of a task: what its contexts share with the documents that are trained on."""
    contexts = overlap.shared_contexts / max(1, overlap.contexts)
    ngrams = overlap.shared_ngrams / max(1, overlap.ngrams)
    value = asdict(overlap) | {"context_share": contexts, "ngram_share": ngrams}
    text = f"{_percent(contexts)} of contexts, {_percent(ngrams)} of {NGRAM_TOKENS}-grams"
    return CardLine(f"overlap.{name}", f"{name} in corpus", text, value)


def _distribution(name: str, title: str, numbers: np.ndarray, total: int) -> CardLine:
    """Return a line on numbers (N,) int64, one per document."""
    median, deciles = float(np.median(numbers)), np.quantile(numbers, _DECILES, method="inverted_cdf").tolist()
    text = f"median {median:,g}, deciles {deciles[0]:,} to {deciles[-1]:,}"
    return CardLine(name, title, text, {"total": total, "median": median, "deciles": deciles})


def _cut_in_pairs(store: TokenStore, index: SampleIndex) -> tuple[int, int]:
    """Return how many sentences are read in part over the pairs of an epoch, and how many are read in all."""
    borders, num_cut, num_read = np.asarray(store.sentence_offsets), 0, 0
    for start in range(0, len(index.spans), _CHUNK_SPANS):
        begin, end = index.spans[start : start + _CHUNK_SPANS].T
        first, last = (np.searchsorted(borders, tokens, side="right") - 1 for tokens in (begin, end - 1))
        is_late, is_early = borders[first] != begin, borders[last + 1] != end
        num_cut += int((is_late & (first != last)).sum() + ((is_late & (first == last)) | is_early).sum())
        num_read += int((last - first + 1).sum())
    return num_cut, num_read


def _percent(share: float) -> str:
    """Return a share in percent; one that is not 0 is never printed as 0."""
    return "0 %" if share == 0 else f"{max(share, 0.0001) * 100:.3g} %"
