"""13-gram overlap of the tasks' contexts with a corpus: seconds of its one pass, beside reading the corpus alone."""

import argparse
import statistics
import tempfile
from pathlib import Path

from table import in_turns, rate, write_table

READING = "reading the ids from the page cache, nothing else"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=50_000_000)
    parser.add_argument("--context-tokens", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    from nsp_ablation.base.process import keep_kernels_by_source

    keep_kernels_by_source()
    import numpy as np

    from nsp_ablation.samples.inspection.ngram_overlap import measure_overlaps
    from nsp_ablation.text.store.array_file import read_pieces

    draw = np.random.Generator(np.random.Philox(1))
    frequencies = 1 / np.arange(1, 30_001)  # Zipf's law
    cumulative = np.cumsum(frequencies) / frequencies.sum()

    def tokens(number: int) -> np.ndarray:
        return np.searchsorted(cumulative, draw.random(number)).astype(np.uint16)

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ids.npy"
        ids = tokens(arguments.tokens)
        np.save(path, ids)
        starts = np.arange(0, arguments.tokens, 500)
        contestants = {READING: lambda: sum(len(piece) for piece in read_pieces(path))}
        found = {}
        for number in arguments.context_tokens:
            texts = np.concatenate([ids[: number // 10], tokens(number - number // 10)]).reshape(-1, 200)
            name = f"{number:,} tokens of contexts"

            def measure(texts: np.ndarray = texts, name: str = name) -> None:
                found[name] = measure_overlaps({"task": list(texts)}, read_pieces(path), starts)["task"]

            contestants[name] = measure
        seconds = in_turns(contestants, arguments.rounds)
    rows = []
    for name, times in seconds.items():
        median = statistics.median(times)
        shared = f"{found[name].shared_ngrams:,} of {found[name].ngrams:,}" if name in found else "–"
        rows.append([name, f"{median:.2f} s", rate(arguments.tokens / median, "tokens/s"), shared])
    notes = [
        f"{arguments.tokens:,} tokens of 30,000 kinds, by Zipf's law, in documents of 500; a tenth of the contexts is "
        f"copied from them; contexts of 200 tokens. Median of {arguments.rounds} rounds, in turns, all cores.",
        "The table of 13-grams is built within the time; ids decide, a hash preselects.",
    ]
    write_table("overlap", "13-gram overlap", ["what", "time", "tokens", "13-grams found"], rows, notes)


if __name__ == "__main__":
    main()
