"""`stage=inspect inspect.equal_to=RECORD`: the updates by which an arm equals a finished cell in what it predicted or
read, to be given as `pretraining.max_steps` of a sensitivity cell."""

from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.config.identity import condition_name
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.training_facts import PretrainingFacts
from nsp_ablation.samples.batches.corpus_reading import corpus_reading
from nsp_ablation.samples.batches.equal_counts import planned_predictions, updates_for

_ROUNDING = 1e-6  # of a record's passes over the corpus


def say_equal_updates(config: Config, feed: OpenFeed, path: Path) -> None:
    """Say after how many updates the arm has predicted as many tokens, and read as many different ones, as the run of
    a record did.

    Raises InputError for a record of a run that was not pre-trained here or does not tell its counts, and of another
    number of tokens of text, whose counts are not comparable; DamageError for a file that is no record.
    """
    record = ResultRecord.from_json(read_json(path), path)
    facts = _facts(record, feed.store.num_tokens, path)

    def unique(updates: int) -> int:
        return corpus_reading(feed.plan, updates, feed.store, feed.frame).unique_tokens

    def predictions(updates: int) -> int:
        return planned_predictions(feed.plan, updates, config.masking)

    arm, of_what = condition_name(config), f"{record.condition.name} has after {facts.updates:,} updates"
    for what, count, target in (
        ("predictions", predictions, facts.predictions),
        ("different tokens of the corpus", unique, facts.unique_tokens or 0),
    ):
        updates = updates_for(count, target, facts.updates)
        if updates is None:
            say("inspect", f"{arm} never reaches the {target:,} {what} that {of_what}: no number does")
        else:
            close = f"pretraining.max_steps={updates} gives {count(updates):,} {what}"
            say("inspect", f"{arm}: {close}; {of_what} {target:,}")


def _facts(record: ResultRecord, num_tokens: int, path: Path) -> PretrainingFacts:
    """Return what a record says of its pre-training, on a store of as many tokens as this one's."""
    facts, of = record.pretraining, f"inspect.equal_to={path}"
    if facts is None or facts.unique_tokens is None or facts.special_tokens is None:
        raise InputError(f"{of} tells no counts of a pre-training; give a record of an arm that was pre-trained here")
    read = facts.tokens - facts.special_tokens
    if abs(read - facts.passes * num_tokens) > _ROUNDING * read:
        raise InputError(
            f"{of} was trained on a corpus of {read / facts.passes:,.0f} tokens, and this one has {num_tokens:,}; give "
            "a record of the same text and tokenizer"
        )
    return facts
