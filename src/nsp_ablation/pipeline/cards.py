"""The data card of a cell: what its stores, feed and tasks are, and the refusal of what is better not trained on."""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from nsp_ablation.base.artifact import write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline.card_doubts import doubt
from nsp_ablation.pipeline.chain import MAKERS
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import Encoder, ExternalEncoder, TrainedEncoder
from nsp_ablation.pipeline.feed import Feed
from nsp_ablation.pipeline.overlaps import Overlaps
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.reporting.records.data_card import CardEntry, DataCard, card_at, sealed, write_card
from nsp_ablation.samples.inspection.card_lines import (
    CardLine,
    corpus_lines,
    example_line,
    format_lines,
    judged,
    near_duplicates_line,
    overlap_line,
)
from nsp_ablation.samples.inspection.card_text import card_text
from nsp_ablation.samples.inspection.size_lines import size_lines


class CheckError(InputError):
    """What the card refuses; `lines` holds one line per failed check."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


@dataclass(frozen=True, eq=False)
class Card:
    """The card of a feed and the tasks to evaluate on, none for a stage that evaluates nothing."""

    config: Config
    feed: Feed
    tasks: list[TaskData]

    @cached_property
    def key(self) -> str:
        """16 hex digits that depend on stores, the part held out, feed, objective and tasks; on no bound."""
        objective, tasks = resolved_objective(self.config), [[task.options.name, task.key] for task in self.tasks]
        stores, part = self.feed.stores.key, self.config.corpus.heldout_part
        return fingerprint(["cards", MAKERS["cards"], stores, part, self.feed.key, objective, tasks])

    @property
    def path(self) -> Path:
        """`<paths.artifacts>/cards/<key>.json`."""
        return owned(self.feed.stores.root, "cards", f"{self.key}.json")

    def make(self) -> DataCard:
        """Return the card with the verdicts of this configuration's bounds, measured and written on first use.

        Raises InputError for a corpus that cannot give what the format needs, and for unreadable task files.
        """
        found = card_at(self.path)
        card = self._judged(self._measured() if found is None else found)
        if card != found:
            write_json(self.path, asdict(card))
        return card

    def check(self, results: Path | None) -> None:
        """Say what the card holds, keep a copy in `results`, and refuse what the checks refuse.

        Raises CheckError with a line per failed check, and InputError as `make` does.
        """
        card = self.make()
        if results is not None:
            write_card(owned(results, "cards", f"{self.key}.json"), card)
        for text in card_text([CardLine(**asdict(line)) for line in card.lines]):
            say("card", text)
        for line in card.lines:
            if line.verdict == "warn":
                say("card", f"warning: {doubt(self.config, line)}")
        if refused := [doubt(self.config, line) for line in card.lines if line.verdict == "refused"]:
            raise CheckError(refused)

    def _measured(self) -> DataCard:
        config, feed, stores = self.config, self.feed, self.feed.stores
        store, plan, objective = stores.training(), feed.plan(), resolved_objective(config)
        lines = [*corpus_lines(store, stores.counts(), stores.heldout_counts())]
        taken = stores.near_duplicates()
        lines += [] if taken is None else [near_duplicates_line(taken)]
        lines += format_lines(store, plan.index_of(1), has_pair_loss=objective != "mlm")
        lines += size_lines(plan, config.max_length)
        lines += self._examples()
        overlaps = Overlaps(stores.root, stores, tuple(task for task in self.tasks if task.facts.reads == "files"))
        lines += [overlap_line(name, overlap) for name, overlap in overlaps.read().items()]
        return DataCard(
            key=self.key,
            corpus=config.corpus.name,
            tokenizer=config.tokenizer.name,
            format=config.format.name,
            objective=objective,
            max_length=config.max_length,
            tasks=[task.options.name for task in self.tasks],
            inputs=sorted({stores.name, *feed.opened, *([overlaps.name] if overlaps.tasks else [])}),
            lines=[CardEntry(**asdict(line)) for line in lines],
        )

    def _examples(self) -> list[CardLine]:
        """Return a line per probe: how many examples it will have, before there is an encoder to probe."""
        probes = [task for task in self.tasks if task.facts.is_probe]
        if not probes:
            return []
        from nsp_ablation.pipeline.probe_data import count_examples

        stores = self.feed.stores
        found = [(task, count_examples(self.config, stores, task, stores.vocabulary.make())) for task in probes]
        return [example_line(task.options.name, number, reason) for task, (number, reason) in found]

    def _judged(self, card: DataCard) -> DataCard:
        checks, least = self.config.checks, FORMATS[self.config.format.name].min_sentences
        lines = [judged(CardLine(**asdict(line)), checks, least) for line in card.lines]
        values = {**vars(card), "lines": [CardEntry(**asdict(line)) for line in lines]}
        return sealed(DataCard(**values))


def card_of(encoder: Encoder, tasks: list[TaskData]) -> Card | None:
    """Return the card of an encoder and the tasks to evaluate it on; None for one that is not trained here."""
    return Card(encoder.config, encoder.feed, tasks) if isinstance(encoder, TrainedEncoder) else None


def keep_cards(encoders: list[Encoder], tasks: list[TaskData], results: Path) -> None:
    """Copy the cards of finished cells to `results` where they were lost there and lie under the artifacts."""
    for card in filter(None, (card_of(encoder, tasks) for encoder in encoders)):
        if card.path.is_file() and not (results / "cards" / f"{card.key}.json").is_file():
            write_card(owned(results, "cards", f"{card.key}.json"), card.make())


def check_before_training(encoders: list[Encoder], tasks: list[TaskData], results: Path | None) -> None:
    """Refuse what would fail after an encoder was trained or fine-tuned, and what the card's checks refuse.

    Tokenizers that meet are compared first, which needs no stores. Raises CheckError, and InputError as `Card.make`.
    """
    ours = (encoder for encoder in encoders if not isinstance(encoder, ExternalEncoder) and not encoder.is_made)
    first = next(ours, None)  # the others of a cell have its settings
    if first is not None and (init_from := first.config.model.init_from) is not None:
        with heavy_imports():
            from nsp_ablation.pipeline.tokenizer_checks import check_origin

        check_origin(init_from, first.stores)
    cards = [card for encoder in encoders if (card := card_of(encoder, tasks)) is not None]
    for card in cards:
        card.check(results)
    probes = [task for task in tasks if task.facts.is_probe]
    if encoders and probes and not cards:
        from nsp_ablation.pipeline.probe_data import refuse_without_examples

        refuse_without_examples(encoders[0], probes)
