"""The fourth link: what a configuration feeds the model. Training and inspection both read it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.optional_parts import HELDOUT_LOSS, omit
from nsp_ablation.config.identity import feed_settings, pair_order
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FormatOptions, matched_format
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize, update_size
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import Format, drawn_epoch, make_format
from nsp_ablation.samples.formats.sample_index import NoSamplesError, SampleIndex
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.token_bytes import token_bytes
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, num_ids, special_tokens, word_starts


@dataclass(frozen=True, eq=False)
class Index(Artifact):
    """All samples of one epoch of a store in a format; one that draws nothing is shared by all seeds."""

    kind = "indexes"
    stores: Stores
    store: TokenStore
    frame: Frame
    format: Format
    seed: int
    epoch: int

    def identity(self) -> Any:
        return self.format.fingerprint(self.store, self.frame, self.seed, self.epoch)

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.stores,)

    def build(self, directory: Path) -> None:
        self.format.index(self.store, self.frame, self.seed, self.epoch).save(directory)

    def open(self) -> SampleIndex:
        """Return the samples, memory-mapped; made on first use."""
        return SampleIndex.open(self.make())


@dataclass(frozen=True)
class OpenFeed:
    """All that decides an update. `heldout` and its index are None where the corpus holds no fitting document out;
    `omitted` then says why, of a corpus that does hold documents out.
    """

    store: TokenStore
    frame: Frame
    masks: Masks
    index_of: Callable[[int], SampleIndex]
    size: UpdateSize
    plan: BatchPlan
    heldout: TokenStore | None
    heldout_index: SampleIndex | None
    omitted: dict[str, str]


@dataclass(frozen=True, eq=False)
class Feed:
    """What is read, update by update: it has a key and no directory of its own, but those of its indexes."""

    config: Config
    stores: Stores
    opened: list[str] = field(default_factory=list)  # names of the indexes that were read

    @cached_property
    def key(self) -> str:
        """16 hex digits that depend on all that decides what the model reads."""
        return fingerprint(["feed", feed_settings(self.config), self.stores.key])

    @property
    def is_made(self) -> bool:
        """Whether stores and the index of the first epoch are there."""
        return self.stores.is_made and self._index(self.config.format, self.stores.training(), self._drawn(1)).is_made

    def open(self) -> OpenFeed:
        """Return the feed with its arrays, memory-mapped; stores and indexes are made on first use.

        Raises InputError for a corpus that cannot give what the format needs.
        """
        plan = self.plan()
        heldout, omitted = self.stores.heldout(), dict[str, str]()
        return OpenFeed(
            store=self.stores.training(),
            frame=self.frame(),
            masks=self.masks(),
            index_of=plan.index_of,
            size=plan.size,
            plan=plan,
            heldout=heldout,
            heldout_index=self._heldout_index(heldout, omitted),
            omitted=omitted,
        )

    def plan(self) -> BatchPlan:
        """Return which samples make which update, indexes memory-mapped; made on first use.

        Raises InputError as `open` does.
        """
        config, store = self.config, self.stores.training()
        open_epoch = lru_cache(maxsize=2)(lambda epoch: self._open(config.format, store, epoch))

        def index_of(epoch: int) -> SampleIndex:
            return open_epoch(self._drawn(epoch))

        return BatchPlan(index_of, self._update_size(store, index_of(1)), config.seed)

    def first_index(self) -> SampleIndex:
        """Return the samples of the first epoch, memory-mapped; made on first use. Raises InputError as `open` does."""
        return self._open(self.config.format, self.stores.training(), self._drawn(1))

    def frame(self) -> Frame:
        """Return the layout of special tokens of the configuration's format."""
        options = self.config.format
        return frame_of(
            self.stores.vocabulary.make(),
            self.config.max_length,
            pair_separators=options.num_pair_separators,
            sentence_separator=options.sentence_separator,
        )

    def masks(self) -> Masks:
        """Return the configuration's masks; those of whole words need the tokenizer's table of word starts."""
        whole_words = self.config.masking.unit == "whole_word"
        if not whole_words:
            return Masks(self.config.masking, self.config.seed)
        tokenizer = self.stores.vocabulary.make()
        return Masks(self.config.masking, self.config.seed, word_starts(tokenizer), token_bytes(tokenizer))

    def _drawn(self, epoch: int) -> int:
        return drawn_epoch(self.config.format, self.config.masking, epoch)

    def _index(self, options: FormatOptions, store: TokenStore, epoch: int, seed: int | None = None) -> Index:
        built = make_format(options, pair_order(self.config))
        seed = self.config.seed if seed is None else seed
        return Index(self.stores.root, self.stores, store, self.frame(), built, seed, epoch)

    def _open(self, options: FormatOptions, store: TokenStore, epoch: int, seed: int | None = None) -> SampleIndex:
        index = self._index(options, store, epoch, seed)
        self.opened.append(index.name)
        return index.open()

    def _heldout_index(self, heldout: TokenStore | None, omitted: dict[str, str]) -> SampleIndex | None:
        """Return the samples of the held-out documents in the format itself; None, noted in `omitted`, where these few
        documents cannot make any, though the corpus can. The corpus' seed draws them: equal for all arms."""
        if heldout is None:
            if (reason := self.stores.empty_part()) is not None:
                omit(HELDOUT_LOSS, reason, omitted, lambda text: say("prepare", text))
            return None
        try:
            return self._open(self.config.format, heldout, 0, self.config.corpus.seed)
        except NoSamplesError as error:
            reason = f"of the held-out documents alone: {error}"
            omit(HELDOUT_LOSS, reason, omitted, lambda text: say("prepare", text))
            return None

    def _update_size(self, store: TokenStore, own: SampleIndex) -> UpdateSize:
        """Return the size of an update; the format to match has the paper's own choices (fidelity row 1)."""
        name, matched_length = matched_format(self.config.budget, self.config.format.name), None
        if name is not None:
            matched_length = float(self._open(FormatOptions(name), store, 0).lengths().mean())
        return update_size(self.config.batch.sequences, float(own.lengths().mean()), matched_length)


def feed_of(config: Config) -> Feed:
    """Return the chain of a configuration up to its feed: Corpus -> Tokenizer -> Stores -> Feed."""
    root = Path(config.paths.artifacts)
    corpus = Corpus(root, config.corpus)
    vocabulary = Vocabulary(root, config.tokenizer, corpus)
    return Feed(config, Stores(root, corpus, vocabulary, config.format.name, config.preparation))


def frame_of(tokenizer: Path, max_length: int, *, pair_separators: int = 1, sentence_separator: bool = False) -> Frame:
    """Return a layout of the special tokens of a tokenizer directory."""
    tokens = special_tokens(tokenizer)
    return Frame(
        max_length=max_length,
        cls=tokens.cls,
        sep=tokens.sep,
        mask=tokens.mask,
        pad=tokens.pad,
        special_ids=tokens.all_ids,
        vocab_size=num_ids(load_tokenizer(tokenizer)),
        pair_separators=pair_separators,
        sentence_separator=sentence_separator,
    )
