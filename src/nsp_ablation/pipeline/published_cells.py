"""The cells whose numbers the paper prints, and the command that runs a cell alone."""

import shlex

from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective

_TABLE_1_AND_2 = {
    ("segment_pair", "mlm_nsp", "static", 10): "table 1, static",
    ("segment_pair", "mlm_nsp", "dynamic", None): "table 1, dynamic; table 2, SEGMENT-PAIR",
    ("sentence_pair", "mlm_nsp", "dynamic", None): "table 2, SENTENCE-PAIR",
    ("full", "mlm", "dynamic", None): "table 2, FULL-SENTENCES; table 3, 256",
    ("doc", "mlm", "dynamic", None): "table 2, DOC-SENTENCES",
}
_SECTION_4 = (256, 1_000_000, 1e-4)  # sequences, updates, learning rate
_TABLE_3 = {(2048, 125_000, 7e-4): "table 3, 2K", (8192, 31_000, 1e-3): "table 3, 8K"}


def published_cell(config: Config) -> str | None:
    """Return the table and row of Liu et al. 2019 that a configuration repeats at full size, None where it is none.

    Table 3 does not name its format; the later version of the paper says FULL-SENTENCES.
    """
    if config.model.name != "base" or config.max_length != 512 or config.corpus.name != "books_wikipedia":
        return None
    condition = (config.format.name, resolved_objective(config), config.masking.name, config.masking.copies)
    optimization = (config.batch.sequences, config.pretraining.max_steps, config.pretraining.learning_rate)
    if optimization == _SECTION_4:
        return _TABLE_1_AND_2.get(condition)
    return _TABLE_3.get(optimization) if condition == ("full", "mlm", "dynamic", None) else None


def command(overrides: list[str]) -> str:
    """Return the command that runs one cell for good; `overrides` are those of the cell within its sweep."""
    words = [word for word in overrides if word != "stage=cost" and not word.startswith("trainer.dry_run")]
    plain = [word.replace("'", "") if word.startswith("batch=") else word for word in words]  # run.py quotes numbers
    return shlex.join(["python", "run.py", *plain])
