"""The fifth link: the encoders of a cell. Each is an arm: trained here, untrained beside it, or from elsewhere."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.base.owned_paths import owned, remove_own
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.identity import (
    condition,
    condition_name,
    curve_settings,
    encoder_settings,
    external_settings,
    science_settings,
    untrained_science,
    untrained_settings,
)
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.cell_life import Hear, hears_nothing
from nsp_ablation.pipeline.chain import RUN_FILES, Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.external_directory import external_directory
from nsp_ablation.pipeline.feed import Feed, feed_of
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.pipeline.weights import weights_sha256
from nsp_ablation.reporting.records.record import Condition, EncoderReference
from nsp_ablation.reporting.records.training_facts import NOT_KEPT, PretrainingFacts
from nsp_ablation.reporting.records.typed_json import parse

# What an encoder has that saw no pre-training of ours.
_NO_PRETRAINING = ("format", "objective", "masking", "copies", "budget", "updates", "batch", "learning_rate")


@dataclass(frozen=True, eq=False)
class Encoder(Artifact):
    """A Hugging Face model directory to evaluate, known before it exists.

    `stores` hold the corpus in the encoder's own tokens; `group` begins its runs' names; `hear` is told of progress.
    """

    kind = "encoders"
    arm: ClassVar[str]
    config: Config
    stores: Stores
    hear: Hear = field(default=hears_nothing, kw_only=True)

    @property
    def group(self) -> str:
        return self.arm

    @property
    def condition(self) -> Condition:
        """What the arm is, as records have it."""
        raise NotImplementedError

    @property
    def science(self) -> str:
        """The fingerprint by which records are pooled: of every science setting but the seeds and the task."""
        raise NotImplementedError

    @property
    def pretraining_seed(self) -> int | None:
        return self.config.seed

    @property
    def label(self) -> str:
        """What names the encoder in a record's id, beside its condition."""
        return self.key

    def facts(self) -> PretrainingFacts | None:
        """Return what the encoder's pre-training did; None for an arm that had none of ours."""
        return None

    def reference(self) -> EncoderReference:
        """Return the record's reference to the weights; relative to the artifacts where they lie there."""
        directory = self.make()
        path = directory.relative_to(self.root) if directory.is_relative_to(self.root) else directory
        return EncoderReference(str(path), weights_sha256(directory))

    def _initial_weights(self) -> str | None:
        """Return the fingerprint of the weights that training goes on from; a hub's are pinned by their name."""
        origin = Path(self.config.model.init_from or "")
        return files_fingerprint(sorted(origin.glob("*.safetensors"))) if self.config.model.init_from else None


@dataclass(frozen=True, eq=False)
class TrainedEncoder(Encoder):
    """The encoder of a configuration and seed, pre-trained on its feed."""

    arm = "trained"
    feed: Feed

    def identity(self) -> Any:
        return [encoder_settings(self.config), self.feed.key, self._initial_weights()]

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.stores,)

    @property
    def group(self) -> str:
        return condition_name(self.config)

    @property
    def condition(self) -> Condition:
        return Condition(**condition(self.config))

    @cached_property
    def science(self) -> str:
        return fingerprint([science_settings(self.config), self.stores.key])

    def input_names(self) -> list[str]:
        return [*super().input_names(), *self.feed.opened]

    @property
    def run_directory(self) -> Path:
        """Where an interrupted training keeps its state; with what it measures on the way, one of its own."""
        curve = curve_settings(self.config)
        return owned(self.root, "runs", self.key if curve is None else fingerprint([self.key, curve]))

    def build(self, directory: Path) -> None:
        with heavy_imports():
            from nsp_ablation.pipeline.device import model_threads
            from nsp_ablation.pipeline.encoder_training import train_encoder

        with model_threads(self.config.model.num_threads):
            train_encoder(self, directory)

    def make(self) -> Path:
        """Return the directory, trained on first use, from where an interrupted training stopped.

        Raises DivergedError where the loss diverges, and DamageError for an encoder that was damaged since.
        """
        is_new = not self.is_made
        directory = super().make()
        if is_new or curve_settings(self.config) is None:  # else it may be another training's, for the curve
            remove_own(self.run_directory, *RUN_FILES)
        if is_new:
            from nsp_ablation.pipeline.finished_runs import show_encoder

            say("pretrain", f"encoder -> {directory}")
            show_encoder(self)
        return directory

    def facts(self) -> PretrainingFacts:
        file = self.make() / "pretraining.json"
        return parse(PretrainingFacts, {**NOT_KEPT, **read_json(file)["pretraining"]}, file, "pretraining.")


@dataclass(frozen=True, eq=False)
class UntrainedEncoder(Encoder):
    """The encoder without any training: equal for all formats and objectives."""

    arm = "random"

    def identity(self) -> Any:
        return ["untrained", untrained_settings(self.config), self._initial_weights()]

    def inputs(self) -> tuple[Artifact, ...]:
        """Return what it is made from: the output bias needs the frequencies of tokens, the rest the tokenizer."""
        return (self.stores if self.config.model.unigram_output_bias else self.stores.vocabulary,)

    @property
    def condition(self) -> Condition:
        return Condition(**condition(self.config) | dict.fromkeys(_NO_PRETRAINING))

    @cached_property
    def science(self) -> str:
        return fingerprint(["untrained", untrained_science(self.config), self.stores.key])

    def build(self, directory: Path) -> None:
        with heavy_imports():
            from nsp_ablation.pipeline.encoder_training import export_untrained

        export_untrained(self, directory)


@dataclass(frozen=True, eq=False)
class ExternalEncoder(Encoder):
    """An encoder from elsewhere: a directory, or a name on the hub, fetched on first use."""

    arm = "external"
    path: Path

    def identity(self) -> Any:
        return files_fingerprint(sorted(self.path.glob("*.safetensors")) + sorted(self.path.glob("*.json")))

    @property
    def directory(self) -> Path:
        return self.path

    def make(self) -> Path:
        """Return the directory, tried once. Raises InputError or ForeignFileError for one that cannot be used."""
        return self._tried

    @cached_property
    def _tried(self) -> Path:
        with heavy_imports():
            from nsp_ablation.pipeline.tokenizer_checks import check_external

        check_external(self.path, self.label, self.config.max_length)
        return self.path

    @property
    def condition(self) -> Condition:
        known = {"model": Path(self.label).name, "tokenizer": "pretrained", "max_length": self.config.max_length}
        return Condition(**dict.fromkeys(condition(self.config)) | known | {"name": Path(self.label).name})

    @cached_property
    def science(self) -> str:
        return fingerprint(["external", external_settings(self.config), self.key])

    @property
    def pretraining_seed(self) -> int | None:
        return None

    @property
    def label(self) -> str:
        return str(self.config.encoder)


def trained_encoder(config: Config) -> TrainedEncoder:
    """Return the whole chain of a configuration: Corpus -> Tokenizer -> Stores -> Feed -> Encoder."""
    feed = feed_of(config)
    return TrainedEncoder(feed.stores.root, config, feed.stores, feed)


def encoders_of(config: Config) -> list[Encoder]:
    """Return the cell's arms: the one it asks for and, with `finetuning.untrained_row`, the untrained encoder.

    Raises InputError for an encoder from elsewhere that is not to be had.
    """
    if config.encoder not in (None, "random"):
        return [_external_encoder(config, str(config.encoder))]
    trained = trained_encoder(config)
    untrained = UntrainedEncoder(trained.root, config, trained.stores)
    trained_ones = [] if config.encoder == "random" else [trained]
    return [*trained_ones, *([untrained] if config.finetuning.untrained_row or not trained_ones else [])]


def _external_encoder(config: Config, name: str) -> ExternalEncoder:
    path = external_directory(name)
    stores = feed_of(config).stores
    own = replace(config.tokenizer, name="pretrained", path=str(path), vocab_size=None, lowercase=False)
    stores = replace(stores, vocabulary=Vocabulary(stores.root, own, stores.corpus))
    return ExternalEncoder(stores.root, config, stores, path)
