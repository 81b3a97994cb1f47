"""The model of a configuration, as it stands before training; and the untrained encoder as an arm of its own."""

from pathlib import Path

import numpy as np

from nsp_ablation.base.artifact import build_once
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective, science_settings
from nsp_ablation.learning.pretraining.export_encoder import export_encoder
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model
from nsp_ablation.pipeline.feed import Feed, make_frame
from nsp_ablation.pipeline.stores import prepare, store_key
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore


def make_model(config: Config, feed: Feed) -> PretrainingModel:
    """Return the model at the start of pre-training; it depends on sizes and seed, never on format or objective."""
    confines = config.format.attention == "document"
    return _build(config, feed.frame, feed.store, resolved_objective(config) != "mlm", confines)


def untrained_key(config: Config) -> str:
    """Return the fingerprint of the untrained encoder: model, tokenizer (through the store) and seed."""
    settings = science_settings(config)
    return fingerprint(["untrained", settings["model"], config.max_length, store_key(config), config.seed])


def untrained(config: Config) -> Path:
    """Return the directory of the encoder without any training, built on first use."""
    directory = Path(config.paths.artifacts) / "encoders" / f"untrained-{untrained_key(config)}"

    def build(new: Path) -> None:
        prepared = prepare(config)
        model = _build(config, make_frame(config, prepared.tokenizer), TokenStore.open(prepared.store), False, False)
        export_encoder(model, prepared.tokenizer, new, {"condition": {}, "seed": config.seed, "pretraining": None})

    return build_once(directory, build)


def _build(
    config: Config, frame: Frame, store: TokenStore, predicts_pairs: bool, confines_attention: bool
) -> PretrainingModel:
    needs_counts = config.model.unigram_output_bias
    counts = np.bincount(store.ids, minlength=frame.vocab_size) if needs_counts else None
    return build_model(
        config.model,
        frame,
        predicts_pairs=predicts_pairs,
        confines_attention=confines_attention,
        seed=config.seed,
        token_counts=counts,
    )
