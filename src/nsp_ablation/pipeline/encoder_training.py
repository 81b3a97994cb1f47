"""How an encoder is made: pre-trained on its feed and exported, or exported as it starts. Loads torch and Lightning."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from nsp_ablation.config.identity import curve_settings
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.pretraining.heldout_loss import HeldoutLoss
from nsp_ablation.learning.pretraining.pretraining_model import (
    PretrainingModel,
    build_model,
    export_encoder,
)
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.curve_points import curve_points
from nsp_ablation.pipeline.curves import Curve
from nsp_ablation.pipeline.device import device_name
from nsp_ablation.pipeline.encoders import TrainedEncoder, UntrainedEncoder
from nsp_ablation.pipeline.feed import OpenFeed, feed_of
from nsp_ablation.pipeline.heldout_inputs import own_heldout_loss, unigram_entropy
from nsp_ablation.pipeline.initial_models import token_counts
from nsp_ablation.pipeline.pretraining_facts import plateau_facts, pretraining_facts
from nsp_ablation.pipeline.training_run import train
from nsp_ablation.pipeline.weights import weights_sha256
from nsp_ablation.reporting.records.curve_file import CurvePoint
from nsp_ablation.reporting.records.training_facts import PlateauFacts
from nsp_ablation.samples.batches.accounting import tokens_at_positions, totals


def train_encoder(encoder: TrainedEncoder, directory: Path) -> None:
    """Pre-train an encoder, from where an interrupted training stopped, and export it into `directory`; keep the curve
    that is asked for.

    Raises DivergedError where the loss diverges, InputError for what the configuration cannot do.
    """
    config, trained = encoder.config, train(encoder)
    feed, model = trained.feed, trained.model
    entropy = unigram_entropy(token_counts(feed.frame, feed.store))
    heldout = _heldout_loss(config, feed, model, entropy)
    plateau = plateau_facts(feed, trained.outcome.mlm_losses, entropy)
    say("pretrain", _plateau_line(plateau))
    steps = config.pretraining.max_steps
    read = totals(feed.plan, steps, feed.store.num_tokens)
    positions = tokens_at_positions(feed.plan, steps, config.max_length)
    own = {"device": device_name(config.trainer), "plateau": asdict(plateau)}
    block = {
        "pretraining": pretraining_facts(config, feed, read, positions, trained.outcome, heldout) | own,
        "tokens_at_positions": positions.tolist(),
        "epochs": read.epochs,
        "cut_sentences": feed.index_of(1).cut_sentences,
        "mask_exposures": config.masking.exposures(read.epochs),
        "omitted": trained.omitted | (feed.omitted if config.pretraining.heldout_tokens else {}),
    }
    if curve_settings(config) is not None:
        Curve(encoder.root, encoder).keep(curve_points(feed, trained.outcome.evaluations))
    export_encoder(model, encoder.stores.vocabulary.make(), directory, trained.facts | block)


def train_for_curve(encoder: TrainedEncoder) -> list[CurvePoint]:
    """Pre-train an encoder as `train_encoder` does, for the curve alone; warns where it is another encoder then."""
    trained = train(encoder)
    if encoder.is_made:
        with TemporaryDirectory() as directory:
            export_encoder(trained.model, encoder.stores.vocabulary.make(), Path(directory), trained.facts)
            found = weights_sha256(Path(directory))
        if found != weights_sha256(encoder.directory):
            ended = f"ended in other weights than {encoder.name}, as kernels of CUDA let it"
            say("pretrain", f"warning: the training of the curve {ended} (trainer.deterministic=true does not)")
    return curve_points(trained.feed, trained.outcome.evaluations)


def export_untrained(encoder: UntrainedEncoder, directory: Path) -> None:
    """Export an encoder as it starts, into `directory`."""
    config, frame = encoder.config, feed_of(encoder.config).frame()
    counts = token_counts(frame, encoder.stores.training()) if config.model.unigram_output_bias else None
    model = build_model(
        config.model, frame, predicts_pairs=False, confines_attention=False, seed=config.seed, token_counts=counts
    )
    facts = {"condition": {}, "seed": config.seed, "pretraining": None}
    export_encoder(model, encoder.stores.vocabulary.make(), directory, facts)


def _plateau_line(plateau: PlateauFacts) -> str:
    of_what = f"the plateau of unigram frequencies (entropy {plateau.unigram_entropy:.2f} nats)"
    if plateau.update is None or plateau.tokens is None:
        return f"has not left {of_what}: the MLM loss does not stay below {plateau.below:.2f}"
    when = f"update {plateau.update:,}, {plateau.tokens / 1e6:.2f} M tokens"
    return f"left {of_what} by {when}: the MLM loss stays below {plateau.below:.2f}"


def _heldout_loss(
    config: Config, feed: OpenFeed, model: PretrainingModel, unigram_entropy: float
) -> HeldoutLoss | None:
    """Return the loss in the format's own held-out inputs and say it; None where none is asked for or possible."""
    heldout = own_heldout_loss(config, feed, model)
    if heldout is not None:
        against = f"(unigram entropy of the corpus {unigram_entropy:.3f})"
        say("pretrain", f"held-out MLM loss {heldout.mlm_loss:.3f} nats in the format's own inputs {against}")
    return heldout
