"""What section 4 of the paper set, by our keys, and where a study differs from it (Liu et al. 2019)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.setup_tables import value_text, warmup_updates
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting
from nsp_ablation.reporting.records.record import ResultRecord

_PAPER_RUNS = 5  # random initialisations, of whose results its tables 1 and 2 have the medians


@dataclass(frozen=True)
class PaperSetting:
    """A setting of the paper: its name, our key (or the function that reads a record), its value here where that is the
    paper's, and the paper's in words where these say more."""

    name: str
    key: str | Callable[[ResultRecord], Any]
    value: Any
    words: str = ""

    def here(self, record: ResultRecord) -> Any:
        """Return the value of a record's configuration."""
        return setting(record.config, self.key) if isinstance(self.key, str) else self.key(record)


PAPER_SETTINGS = (
    PaperSetting("Number of layers", "model.num_layers", 12),
    PaperSetting("Hidden size", "model.hidden_size", 768),
    PaperSetting("FFN inner hidden size", "model.intermediate_size", 3072),
    PaperSetting("Attention heads", "model.num_heads", 12),
    PaperSetting("Architecture", "model.architecture", "bert", "BERT's, LayerNorm after each block"),
    PaperSetting("Dropout", "model.dropout", 0.1),
    PaperSetting("Attention dropout", "model.attention_dropout", 0.1),
    PaperSetting("Standard deviation of initial weights", "model.init_std", 0.02, "0.02 (BERT)"),
    PaperSetting("That of pooler and classifier of pairs", "model.pair_head_init_std", None, "the same (BERT)"),
    PaperSetting("Positions that start as sinusoids (base)", "model.sinusoid_init_base", None, "no (BERT)"),
    PaperSetting("A last layer that starts as a lookup", "model.lookup_init", False, "no (BERT)"),
    PaperSetting("Heads that start at the neighbours", "model.neighbour_init", False, "no (BERT)"),
    PaperSetting("What these heads pass on at the start", "model.neighbour_value_gain", None, "drawn (BERT)"),
    PaperSetting("Output bias that starts at word frequencies", "model.unigram_output_bias", False, "no (BERT)"),
    PaperSetting("Continued from an encoder", "model.init_from", None, "no"),
    PaperSetting("Sequence length T", lambda record: record.condition.max_length, 512),
    PaperSetting("Tokenizer", "tokenizer.name", "wordpiece", "WordPiece, about 30k units (inferred)"),
    PaperSetting("Corpus", "corpus.name", "books_wikipedia", "BookCorpus and English Wikipedia, 16 GB"),
    PaperSetting("Masked share of tokens", "masking.probability", 0.15),
    PaperSetting("Share of targets that become [MASK]", "masking.mask_fraction", 0.8),
    PaperSetting("Share of targets that become random tokens", "masking.random_fraction", 0.1),
    PaperSetting("Unit of masking", "masking.unit", "token", "single tokens"),
    PaperSetting("Attention of FULL-SENTENCES", "format.attention", "sequence", "over the whole input"),
    PaperSetting("Sequences per update", lambda record: record.condition.batch, 256),
    PaperSetting("Updates", lambda record: record.condition.updates, 1_000_000),
    PaperSetting("Peak learning rate", lambda record: record.condition.learning_rate, 1e-4),
    PaperSetting("Warm-up updates", warmup_updates, 10_000),
    PaperSetting("Adam beta1", "pretraining.beta1", 0.9),
    PaperSetting("Adam beta2", "pretraining.beta2", 0.999),
    PaperSetting("Adam epsilon", "pretraining.epsilon", 1e-6),
    PaperSetting("Weight decay", "pretraining.weight_decay", 0.01),
    PaperSetting("Gradient clipping", "pretraining.gradient_clip", 0.0, "none"),
    PaperSetting("Weight of the loss on pairs", "pretraining.pair_loss_weight", 1.0),
)


def deviations(study: Study) -> FactsTable:
    """Return a row per setting in which a trained arm differs from the paper: its name, the values here, the paper's.

    A setting that a record's configuration does not have is not told of.
    """
    records = [record for arm in study.scores.arms if arm.kind == "trained" for record in study.of_arm(arm)]
    rows = []
    for one in PAPER_SETTINGS:
        known = [one.here(record) for record in records if _has(record, one)]
        if any(value != one.value for value in known):
            texts = dict.fromkeys(map(value_text, known))
            rows.append([one.name, ", ".join(texts), one.words or value_text(one.value)])
    runs = {
        len(pool.by_seed(pool.primary_metric or "")) for pool in study.scores.all_pools() if pool.arm.kind == "trained"
    }
    if records and runs - {_PAPER_RUNS}:
        rows.append(
            ["Runs per cell", ", ".join(map(str, sorted(runs))), f"{_PAPER_RUNS} (of which kind it does not say)"]
        )
    return FactsTable(["", "here", "paper"], rows)


def _has(record: ResultRecord, one: PaperSetting) -> bool:
    """Say whether a record's configuration has a setting, of whatever value."""
    if not isinstance(one.key, str):
        return one.here(record) is not None
    group, _, name = one.key.rpartition(".")
    return name in (setting(record.config, group) or {})
