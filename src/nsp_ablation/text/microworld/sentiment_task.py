"""An SST-2-like task: one opinion sentence, positive or negative.

The development set's adjectives are not those of fine-tuning, and nothing else in a sentence tells its polarity: a
reader must have learned in pre-training which adjectives keep company. There is no type-only ceiling.
"""

from nsp_ablation.text.microworld.opinions import opinion
from nsp_ablation.text.microworld.world import NAMES, Half, adjectives_of
from nsp_ablation.text.microworld.world_draws import Draws, balanced


def sst2(half: Half, num_sentences: int, seed: int) -> str:
    """Return the TSV text of one file (columns `sentence` and `label`, 1 = positive); no sentence comes twice."""
    rows = ["sentence\tlabel"]
    seen: set[str] = set()
    for number, polarity in enumerate(balanced((0, 1), num_sentences, seed, f"sst2-{half}")):
        draws = Draws(seed, f"sst2-{half}", number)
        sentence = opinion(draws.choice(NAMES), adjectives_of(half)[polarity], draws)
        while sentence in seen:
            sentence = opinion(draws.choice(NAMES), adjectives_of(half)[polarity], draws)
        seen.add(sentence)
        rows.append(f"{sentence}\t{polarity}")
    return "\n".join(rows) + "\n"
