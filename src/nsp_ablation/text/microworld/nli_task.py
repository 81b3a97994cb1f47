"""An MNLI-like task: a premise on two people, and a hypothesis about one of them.

Entailment restates a told fact in either wording; contradiction changes one value to a word that the premise lacks
(a size to its antonym); neutral tells a kind of fact that the premise tells of nobody. A reader that sees which kinds
the premise tells, but cannot compare values, gets the neutral pairs and half of the others: the type-only ceiling is
2/3. Rows have the columns of GLUE's MNLI files; parses are `-`.
"""

from nsp_ablation.text.microworld.people import Dealer, altered, statement, tell, two_people
from nsp_ablation.text.microworld.world import FACT_KINDS, Half, values_of
from nsp_ablation.text.microworld.world_draws import Draws, balanced

LABELS = ("contradiction", "entailment", "neutral")
_PARSES = ("sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse")
_TRAIN_COLUMNS = ("index", "promptID", "pairID", "genre", *_PARSES, "sentence1", "sentence2", "label1", "gold_label")
_DEV_COLUMNS = (*_TRAIN_COLUMNS[:-1], "label2", "label3", "label4", "label5", "gold_label")


def mnli(half: Half, num_pairs: int, seed: int) -> str:
    """Return the TSV text of one file: 12 columns for "train", 16 for "dev", as GLUE has them."""
    columns = _TRAIN_COLUMNS if half == "train" else _DEV_COLUMNS
    rows = ["\t".join(columns)]
    for number, label in enumerate(balanced(LABELS, num_pairs, seed, f"mnli-{half}")):
        premise, hypothesis = _pair(label, half, Draws(seed, f"mnli-{half}", number))
        cells = {"index": str(number), "promptID": str(number), "pairID": f"{number}{label[0]}", "genre": "microworld"}
        cells |= {"sentence1": premise, "sentence2": hypothesis, "label1": label, "gold_label": label}
        rows.append("\t".join(cells.get(column, "-") for column in columns))
    return "\n".join(rows) + "\n"


def _pair(label: str, half: Half, draws: Draws) -> tuple[str, str]:
    dealer = Dealer(values_of(half), draws)
    untold, *kinds = draws.sample(FACT_KINDS, len(FACT_KINDS))
    person, other = two_people(kinds[:2], draws.sample(kinds, 2), dealer, draws)
    premise = " ".join(tell(draws.sample((person, other), 2), draws))
    fact = dealer.fact(untold) if label == "neutral" else draws.choice(person.facts)
    if label == "contradiction":
        fact = altered(fact, dealer, draws)
    return premise, statement(fact, person.name, draws)
