"""The micro-world's tasks, written in the original distributions' file formats.

Towns, jobs, animals, colours, foods, sizes and opinion adjectives of the development files stand in no training file:
what a reader knows of them it knows from pre-training. Training sets are large enough that nobody reads an example more
than a few times where that decides (MNLI, SQuAD 2.0): the same updates on fewer examples, ten times each, taught some
fine-tuning seeds the examples by heart. With many more the untrained encoder might learn the types of words from
fine-tuning alone, which its row in the table would show.
These tasks show that pre-training transfers. They do not show document-level reasoning.
"""

from pathlib import Path

from nsp_ablation.base.artifact import write_json, write_text
from nsp_ablation.text.microworld.choice_task import race
from nsp_ablation.text.microworld.nli_task import mnli
from nsp_ablation.text.microworld.sentiment_task import sst2
from nsp_ablation.text.microworld.span_tasks import squad

NUM_TRAIN = {"squad1": 600, "squad2": 6000, "mnli": 12_000, "sst2": 400, "race": 800}
NUM_DEV = 1000  # binomial standard error at .75: 1.4 points


def write_tasks(directory: Path, seed: int) -> None:
    """Write `squad1/`, `squad2/`, `mnli/`, `sst2/` and `race/` under `directory`; a pure function of `seed`."""
    write_json(directory / "squad1/train-v1.1.json", squad("1.1", "train", NUM_TRAIN["squad1"], seed))
    write_json(directory / "squad1/dev-v1.1.json", squad("1.1", "dev", NUM_DEV, seed))
    write_json(directory / "squad2/train-v2.0.json", squad("v2.0", "train", NUM_TRAIN["squad2"], seed))
    write_json(directory / "squad2/dev-v2.0.json", squad("v2.0", "dev", NUM_DEV, seed))
    write_text(directory / "mnli/train.tsv", mnli("train", NUM_TRAIN["mnli"], seed))
    write_text(directory / "mnli/dev_matched.tsv", mnli("dev", NUM_DEV, seed))
    write_text(directory / "sst2/train.tsv", sst2("train", NUM_TRAIN["sst2"], seed))
    write_text(directory / "sst2/dev.tsv", sst2("dev", NUM_DEV, seed))
    write_text(directory / "race/train.jsonl", race("train", NUM_TRAIN["race"], seed))
    write_text(directory / "race/dev.jsonl", race("dev", NUM_DEV, seed))
