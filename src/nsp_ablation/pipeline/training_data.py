"""What a corpus feeds a model, opened from Python: for who trains with `transformers` and not by `run.py`.

Entry: `open_training_data` (docs/transformers.md). Neither Hydra nor Lightning is loaded.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nsp_ablation.base.process import keep_kernels_by_source
from nsp_ablation.config.combinations import feed_problems
from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.problem import Problem, refuse
from nsp_ablation.config.schema import Config
from nsp_ablation.config.values import value_problems

if TYPE_CHECKING:
    from nsp_ablation.pipeline.feed import OpenFeed
    from nsp_ablation.samples.batches.dataset import EpochSamples, PaddedBatch, PlannedUpdates
    from nsp_ablation.samples.formats.frame import Frame

_READ = ("format", "masking", "tokenizer", "corpus", "batch", "checks", "paths", "max_length", "budget", "objective")
# the keys of BertForPreTraining and AlbertForPreTraining
_PAIR_LABELS = {"mlm": None, "mlm_nsp": "next_sentence_label", "mlm_sop": "sentence_order_label"}


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The inputs of a configuration; `tokenizer` is a directory for `AutoTokenizer`, `pair_label` the key of the label
    of pairs, None for an objective without a loss on them."""

    tokenizer: Path
    pair_label: str | None
    corpus_seed: int
    feed: "OpenFeed"

    @property
    def frame(self) -> "Frame":
        """The layout of special tokens; `vocab_size`, `pad` and `max_length` are what a model needs to be built."""
        return self.feed.frame

    def updates(self, num_updates: int) -> "PlannedUpdates":
        """Return the updates that `run.py` trains on, in its order, an item each."""
        from nsp_ablation.samples.batches.dataset import PlannedUpdates

        feed = self.feed
        return PlannedUpdates(feed.plan, feed.store, feed.frame, feed.masks, self.pair_label, num_updates)

    def samples(self, num_epochs: int) -> "EpochSamples":
        """Return the samples of epochs 1 to `num_epochs`, an item each, to be shuffled by who reads them.

        With `format.resample` every epoch's samples are drawn now, and kept in the artifacts.
        """
        from nsp_ablation.samples.batches.dataset import EpochSamples

        feed = self.feed
        return EpochSamples(feed.store, feed.index_of, feed.frame, feed.masks, self.pair_label, num_epochs)

    def heldout(self) -> "EpochSamples | None":
        """Return the samples of the held-out documents under the one mask that `run.py` measures them with, None where
        there are none."""
        from nsp_ablation.samples.batches.dataset import EpochSamples

        feed, index = self.feed, self.feed.heldout_index
        if feed.heldout is None or index is None:
            return None
        masks = replace(feed.masks, seed=self.corpus_seed)
        return EpochSamples(feed.heldout, lambda epoch: index, feed.frame, masks, self.pair_label, 1)

    def collator(self, multiple: int) -> "PaddedBatch":
        """Return the `data_collator`; batches are padded to a multiple of so many tokens (1: to their longest)."""
        from nsp_ablation.samples.batches.dataset import PaddedBatch

        return PaddedBatch(self.frame.pad, multiple)


def open_training_data(config: Config) -> TrainingData:
    """Prepare what is missing below `paths.artifacts` (tokenizer, token store, samples) and open it.

    Of a configuration are read `format`, `masking`, `tokenizer`, `corpus`, `batch`, `checks`, `paths`, `max_length`,
    `budget`, `objective` and `seed`; what is made is what `run.py` makes of the same settings. Raises
    ConfigurationError for values that are refused, CheckError for data that the data card refuses, and InputError for a
    corpus that cannot give what the format needs: each in one line.
    """
    refuse(_problems(config))
    refuse(feed_problems(config))
    keep_kernels_by_source()  # before the imports that compile kernels
    from nsp_ablation.pipeline.cards import Card
    from nsp_ablation.pipeline.feed import feed_of

    feed = feed_of(config)
    opened = feed.open()
    Card(config, feed, []).check(None)
    pair_label = _PAIR_LABELS[resolved_objective(config)]
    return TrainingData(feed.stores.vocabulary.make(), pair_label, config.corpus.seed, opened)


def _problems(config: Config) -> Iterator[Problem]:
    """Yield what is wrong with the values that are read, each alone."""
    values = asdict(config)
    for name in (*_READ, "seed"):
        yield from value_problems(name, values[name])
    if config.format.attention == "document":
        reason = "is more than an attention mask of `transformers` says; train by run.py, or set sequence"
        yield Problem("format.attention", config.format.attention, reason)
