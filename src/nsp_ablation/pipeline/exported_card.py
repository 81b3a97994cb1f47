"""What the model card of an export says: gathered from the encoder's own facts, its configuration and its data card."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.program_name import command_of
from nsp_ablation.config.schema import Config
from nsp_ablation.options.corpus_options import READERS
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline.cards import Card
from nsp_ablation.pipeline.encoders import TrainedEncoder
from nsp_ablation.pipeline.provenance import installed_version
from nsp_ablation.reporting.records.anonymity import Places, places_of
from nsp_ablation.reporting.render.model_card import CardedModel, model_card

_PAIR_CLASSES = {"BertForPreTraining": "BertForNextSentencePrediction"}  # by the class that an export names
_OF_TEXT = (
    "documents",
    "duplicates",
    "near_duplicates_removed",
    "sentences_per_document",
    "tokens_per_document",
    "unknown_share",
    "held_out",
)
_ARM = ("format", "objective", "masking", "copies", "budget", "tokenizer", "model", "max_length", "batch", "updates")


def exported_card(encoder: TrainedEncoder, name: str, words: list[str]) -> str:
    """Return the card of an encoder that is there; `words` are what was typed. Names of persons and machines are out.

    Its data card is read where it is kept, or can be made of stores that are there: an export rebuilds none.
    """
    config, directory = encoder.config, encoder.make()
    facts, built = read_json(directory / "pretraining.json"), read_json(directory / "config.json")
    condition, done = facts["condition"], facts["pretraining"]
    places, corpus, known = places_of(asdict(config)), config.corpus, FORMATS[condition["format"]]
    return model_card(
        CardedModel(
            name=name,
            architecture=config.model.architecture,
            hidden_size=built["hidden_size"],
            arm={key: condition[key] for key in _ARM} | {"seed": facts["seed"]},
            format_title=known.title,
            format_description=known.description,
            masking=condition["masking"],
            predicts=condition["objective"],
            pair_class=_PAIR_CLASSES.get(built["architectures"][0]),
            max_length=condition["max_length"],
            in_range_tokens=done.get("in_range_tokens"),
            corpus=f"`corpus={corpus.name}`",
            datasets=[one.path for one in corpus.hub if not Path(one.path).exists()],
            language=corpus.language,
            lowercase=config.tokenizer.lowercase,
            license=corpus.license,
            is_generated=READERS[corpus.reader].is_generated,
            card_lines=_card_lines(encoder),
            training=_training(config, done),
            base_model=_base_model(config, places),
            version=installed_version("nsp-ablation") or "unknown",
            command=command_of([places.text(word) for word in words]),
        )
    )


def _card_lines(encoder: TrainedEncoder) -> list[tuple[str, str]]:
    card = Card(encoder.config, encoder.feed, [])
    if not (card.path.is_file() or encoder.feed.is_made):
        return []
    return [(line.title, line.text) for line in card.make().lines if line.name in _OF_TEXT]


def _training(config: Config, done: dict[str, Any]) -> dict[str, Any]:
    """Return what pre-training did and by which settings, for reading."""
    options = config.pretraining
    return {
        "updates": done["updates"],
        "real tokens read": done["tokens"],
        "passes over the corpus": f"{done['passes']:.2f}",
        "masked tokens predicted": done["predictions"],
        "learning rate": f"{options.learning_rate:g}, after {options.warmup_steps} updates of warm-up; linearly to 0 "
        f"at update {options.scheduled_steps:,}",
        "AdamW": f"beta {options.beta1:g}, {options.beta2:g}, epsilon {options.epsilon:g}, "
        f"weight decay {options.weight_decay:g}",
        "precision": config.trainer.precision,
        "held-out MLM loss, own inputs, nats": None if done["mlm_loss"] is None else f"{done['mlm_loss']:.3f}",
        "held-out NSP accuracy": None if done["nsp_accuracy"] is None else f"{done['nsp_accuracy']:.1%}",
        "hours": f"{done['seconds'] / 3600:.2f}",
    }


def _base_model(config: Config, places: Places) -> str | None:
    """Return the name on the hub of the encoder that training went on from; a directory of this machine is none."""
    origin = config.model.init_from
    return None if origin is None or Path(origin).exists() else places.text(origin)
