"""The text of the training benchmark: documents of made-up tokens whose lengths are those of English, in a format."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.loader import pair_labels
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore

FIRST_WORD = 5  # ids below are [PAD], [UNK], [CLS], [SEP], [MASK]
_NUM_DOCUMENTS = 400


@dataclass(frozen=True)
class Stream:
    """A format's samples over the made-up text, `rows` of them an update."""

    format_name: str
    store: TokenStore
    frame: Frame
    index: SampleIndex
    plan: BatchPlan
    masks: Masks
    rows: int

    def samples(self, num_updates: int) -> list[dict]:
        """Return the samples of the first updates as people keep them for `transformers`: dictionaries of lists."""
        order = np.concatenate([self.plan.update(step)[0] for step in range(num_updates)])
        flat = assemble_masked(self.store, self.index, self.frame, order, self.masks, 1)
        labels = pair_labels(self.index, order)
        rows = []
        for row, (start, end) in enumerate(zip(flat.sequence_offsets[:-1], flat.sequence_offsets[1:], strict=True)):
            sample = {
                "input_ids": flat.input_ids[start:end].tolist(),
                "token_type_ids": flat.token_type_ids[start:end].tolist(),
                "special_tokens_mask": flat.special[start:end].astype(int).tolist(),
            }
            rows.append(sample if labels is None else {**sample, "next_sentence_label": int(labels[row])})
        return rows


def make_stream(format_name: str, vocab_size: int, max_length: int, tokens_per_update: int) -> Stream:
    """Return the stream of a format in which an update holds about so many real tokens, in whole samples."""
    store = TokenStore.from_documents(_documents(vocab_size), vocab_size)
    frame = Frame(
        max_length=max_length,
        cls=2,
        sep=3,
        mask=4,
        pad=0,
        special_ids=(0, 1, 2, 3, 4),
        vocab_size=vocab_size,
        pair_separators=1,
        sentence_separator=False,
    )
    index = make_format(FormatOptions(format_name), "nsp").index(store, frame, 1, 0)
    mean = float(index.lengths().mean())
    rows = max(1, round(tokens_per_update / mean))
    plan = BatchPlan(lambda epoch: index, UpdateSize(rows, None, float(rows), rows * mean), 1)
    masks = Masks(MaskingOptions("dynamic"), seed=1)
    return Stream(format_name, store, frame, index, plan, masks, rows)


def _documents(vocab_size: int) -> list[list[list[int]]]:
    """Return documents of 3 to 60 sentences of 3 to 90 tokens (log-normal round 22), whose ids follow Zipf's law."""
    draw = np.random.default_rng(1)
    documents = []
    for _ in range(_NUM_DOCUMENTS):
        num_sentences = int(np.clip(draw.lognormal(2.7, 0.7), 3, 60))
        lengths = np.clip(draw.lognormal(3.1, 0.5, num_sentences), 3, 90).astype(int)
        documents.append([_zipf(draw, length, vocab_size) for length in lengths])
    return documents


def _zipf(draw: np.random.Generator, length: int, vocab_size: int) -> list[int]:
    ranks = np.exp(draw.random(length) * np.log(vocab_size - FIRST_WORD)).astype(int) - 1
    return (FIRST_WORD + ranks).tolist()
