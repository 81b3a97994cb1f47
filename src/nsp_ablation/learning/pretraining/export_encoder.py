"""The encoder as a Hugging Face directory: config, weights, tokenizer, and what made it."""

import shutil
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import write_json
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel


def export_encoder(model: PretrainingModel, tokenizer: Path, directory: Path, facts: dict[str, Any]) -> None:
    """Write config.json, model.safetensors, every file of the `tokenizer` directory, and pretraining.json (`facts`).

    A classifier of pairs for which `transformers` has no class (`seq_relationship`) is kept where it was trained.
    """
    hf = model.hf
    weights = hf.state_dict()
    if not model.predicts_pairs:
        weights = {key: value for key, value in weights.items() if not key.startswith("seq_relationship.")}
    with quiet_transformers():  # no progress bar for a file
        hf.save_pretrained(directory, state_dict=weights)
    hf.config.architectures = [model.architecture.export_class]
    hf.config.save_pretrained(directory)
    for file in tokenizer.iterdir():
        if file.is_file():
            shutil.copyfile(file, directory / file.name)
    write_json(directory / "pretraining.json", facts)
