"""Indexes of the four formats: sentences a second, beside the peers' figures on such a machine."""

import argparse
import statistics

from table import in_turns, rate, write_table

# Sentences a second of the peers' compiled code, measured on two AVX2 cores on 325,000 sentences of English; neither
# is in the package index. BERT's Python builder makes .5 to .65 million tokens a second.
PEERS = {
    "full": ("fairseq (Cython)", 45e6),
    "doc": ("fairseq (Cython)", 33e6),
    "segment_pair": ("Megatron-LM (C++)", 45e6),
}
BERT_TOKENS = 0.65e6
WRITING, READING = "writing two spans a sentence, nothing else", "reading a random sentence for half, nothing else"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=20_000_000)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    from nsp_ablation.base.process import keep_kernels_by_source

    keep_kernels_by_source()
    import numpy as np
    from bounds import read_random_sentences, write_pair_spans

    from nsp_ablation.options.format_options import FORMATS, FormatOptions
    from nsp_ablation.samples.formats.frame import Frame
    from nsp_ablation.samples.formats.registry import make_format
    from nsp_ablation.text.store.token_store import TokenStore

    draw = np.random.Generator(np.random.Philox(1))
    lengths = np.clip(draw.lognormal(2.85, 0.65, arguments.sentences), 1, 400).astype(np.int64)  # mean 21 tokens
    sizes = draw.geometric(1 / 25, arguments.sentences // 20)
    ends = np.cumsum(sizes)
    ends = np.append(ends[ends < arguments.sentences], arguments.sentences)
    sentence_offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.broadcast_to(np.uint16(7), int(sentence_offsets[-1]))  # an index never reads them
    store = TokenStore(ids, sentence_offsets, np.concatenate([[0], ends]), "synthetic")
    frame = Frame(arguments.max_length, 0, 1, 2, 3, 1, (0, 1, 2, 3), 30_000, False)
    formats = {name: make_format(FormatOptions(name), "nsp") for name in FORMATS}
    contestants = {name: lambda built=built: built.index(store, frame, 1, 0) for name, built in formats.items()}
    seconds = in_turns(contestants, arguments.rounds)
    bounds = {
        WRITING: lambda: write_pair_spans(store.num_sentences),
        READING: lambda: read_random_sentences(sentence_offsets),
    }
    seconds |= in_turns(bounds, arguments.rounds)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    rows = []
    for name, time in median.items():
        speed, (peer, peer_speed) = arguments.sentences / time, PEERS.get(name, ("none", 0.0))
        beside = "a bound" if name in (WRITING, READING) else "no peer has it"
        if peer_speed:
            beside = f"{speed / peer_speed:.1f} x {peer}, {rate(peer_speed, 'sentences/s')}"
        rows.append([name, rate(speed, "sentences/s"), rate(store.num_tokens / time, "tokens/s"), beside])
    segment_tokens = store.num_tokens / median["segment_pair"]
    ratio = median["full"] / median["sentence_pair"]
    bound = median["full"] / (median[WRITING] + median[READING])
    notes = [
        f"{arguments.sentences:,} sentences, {store.num_tokens:,} tokens, {store.num_documents:,} documents, "
        f"T = {arguments.max_length}; median of {arguments.rounds} rounds, in turns.",
        f"SEGMENT-PAIR makes {segment_tokens / BERT_TOKENS:,.0f} x the tokens a second of BERT's Python builder "
        f"({rate(BERT_TOKENS, 'tokens/s')}, masks included there).",
        f"SENTENCE-PAIR runs at {ratio:.2f} x the rate of FULL, which writes one span in twenty sentences and reads in "
        f"order. Writing its two spans and reading its random sentences would alone allow {bound:.2f} x, each of them "
        "taken with all cores.",
    ]
    write_table("index", "Indexes", ["format", "sentences", "tokens", "beside its peer"], rows, notes)


if __name__ == "__main__":
    main()
