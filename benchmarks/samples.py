"""Samples with dynamic masks: the kernels alone, and torch batches end to end, beside Hugging Face's collator."""

import argparse
import statistics
import warnings

from table import in_turns, rate, write_table

PLAIN = "a bound: ids copied and masked at p = .15 each, no exact count, special tokens, segments or positions"
VOCAB_SIZE, MAX_LENGTH, NUM_SEQUENCES = 30_000, 512, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    from nsp_ablation.base.process import keep_kernels_by_source, set_up_cpu
    from nsp_ablation.base.randomness import sample_key

    set_up_cpu()  # as every run does before torch is loaded
    keep_kernels_by_source()
    import numpy as np
    import torch
    from bounds import gather_and_mask
    from transformers import DataCollatorForLanguageModeling

    from nsp_ablation.options.format_options import FormatOptions
    from nsp_ablation.options.masking_options import MaskingOptions
    from nsp_ablation.samples.batches.assemble import assemble_masked
    from nsp_ablation.samples.batches.loader import micro_batch_loader
    from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings
    from nsp_ablation.samples.batches.plan import BatchPlan
    from nsp_ablation.samples.batches.update_size import UpdateSize
    from nsp_ablation.samples.formats.frame import Frame
    from nsp_ablation.samples.formats.registry import make_format
    from nsp_ablation.text.store.token_store import TokenStore

    torch.set_num_threads(1)
    draw = np.random.Generator(np.random.Philox(1))
    lengths = np.clip(draw.lognormal(2.85, 0.65, arguments.tokens // 21), 1, 400).astype(np.int64)
    sentence_offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = draw.integers(5, VOCAB_SIZE, int(sentence_offsets[-1]), dtype=np.uint16)
    documents = np.append(np.arange(0, len(lengths), 25), len(lengths))
    store = TokenStore(ids, sentence_offsets, documents, "synthetic")
    frame = Frame(MAX_LENGTH, 0, 2, 4, 1, 1, (0, 1, 2, 3, 4), VOCAB_SIZE, False)
    index = make_format(FormatOptions("full"), "nsp").index(store, frame, 1, 0)
    mlm = Masks(MaskingOptions("dynamic"), seed=1)
    plan = BatchPlan(lambda epoch: index, UpdateSize(NUM_SEQUENCES, None, 32.0, 0.0), 1)
    updates = [plan.update(step)[0] for step in range(arguments.updates)]
    flats = [assemble_masked(store, index, frame, samples, mlm, 1) for samples in updates]
    num_tokens = sum(len(flat.input_ids) for flat in flats)

    def kernel() -> None:
        for samples in updates:
            assemble_masked(store, index, frame, samples, mlm, 1)

    def masks() -> None:
        for samples, flat in zip(updates, flats, strict=True):
            keys = sample_key(mlm.epoch_key(1), samples.astype(np.uint64))
            mask_kernel(flat.input_ids, flat.special, flat.sequence_offsets, keys, *mask_settings(frame, mlm))

    def end_to_end() -> None:
        settings = {"first_step": 0, "max_steps": arguments.updates, "accumulation": 1, "num_workers": 0}
        for batch in micro_batch_loader(plan, store, frame, mlm, **settings):
            assert batch.num_tokens

    firsts = [index.offsets[samples] for samples in updates]
    starts = [index.spans[first, 0] for first in firsts]
    ends = [np.minimum(start + MAX_LENGTH, store.num_tokens) for start in starts]
    plain_ids, plain_labels = np.empty((2, NUM_SEQUENCES * MAX_LENGTH), np.int64)
    num_plain = sum(int((end - start).sum()) for start, end in zip(starts, ends, strict=True))

    def plain() -> None:
        for start, end in zip(starts, ends, strict=True):
            gather_and_mask(store.ids, start, end, frame.mask, VOCAB_SIZE, plain_ids, plain_labels)

    collator = DataCollatorForLanguageModeling(_tokenizer(), mlm_probability=0.15)
    rows_of = [
        [{"input_ids": row.tolist()} for row in np.split(flat.input_ids, flat.sequence_offsets[1:-1])]
        for flat in flats[: max(1, arguments.updates // 20)]
    ]
    num_collated = sum(len(row["input_ids"]) for rows in rows_of for row in rows)

    def hugging_face() -> None:
        for rows in rows_of:
            collator(rows)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = in_turns(
            {
                "gather and mask, numpy": kernel,
                "mask alone, numpy": masks,
                "torch batches": end_to_end,
                PLAIN: plain,
                "hf": hugging_face,
            },
            arguments.rounds,
        )
    median = {name: statistics.median(times) for name, times in seconds.items()}
    peer = num_collated / median.pop("hf")
    speeds = {name: (num_plain if name == PLAIN else num_tokens) / time for name, time in median.items()}
    rows = [[name, rate(speed, "tokens/s"), f"{speed / peer:.0f} x"] for name, speed in speeds.items()]
    rows.append(["`DataCollatorForLanguageModeling` (lists to padded torch batches)", rate(peer, "tokens/s"), "1 x"])
    notes = [
        f"FULL-SENTENCES, T = {MAX_LENGTH}, {NUM_SEQUENCES} sequences an update, vocabulary {VOCAB_SIZE:,}, one "
        f"process, one thread; median of {arguments.rounds} rounds, in turns."
    ]
    write_table("samples", "Samples with dynamic masks", ["what", "tokens", "beside the collator"], rows, notes)


def _tokenizer():
    """Return a tokenizer of words, all that the collator asks for: special ids, length and padding."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    names = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    words = {word: i for i, word in enumerate([*names, *(f"w{i}" for i in range(5, VOCAB_SIZE))])}
    roles = dict(zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), names, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, "[UNK]")), **roles)


if __name__ == "__main__":
    main()
