"""Nothing that lies beside an encoder's weights is run: no pickle is opened, and no code that a config names."""

import json
import os
import shutil
from contextlib import nullcontext

import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_masked_lm, load_tokenizer, read_layout


class Malicious:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def encoder(bert_directory, tmp_path):
    return shutil.copytree(bert_directory, tmp_path / "encoder")


def test_pickled_weights_are_refused_and_never_opened(encoder, tmp_path):
    (encoder / "model.safetensors").unlink()
    torch.save(Malicious(tmp_path / "ran"), encoder / "pytorch_model.bin")
    for load in (lambda: load_encoder(str(encoder), "fresh"), lambda: load_masked_lm(str(encoder))):
        with pytest.raises(ValueError, match="cannot be loaded"):
            load()
    assert not (tmp_path / "ran").exists()
    torch.load(encoder / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "ran").exists(), "the trap works"


@pytest.mark.parametrize("model_type", ["bert", "of_its_own"])
def test_code_named_by_a_config_is_not_run(encoder, tmp_path, model_type):
    """A `model_type` that transformers does not know can only be loaded by the directory's own code."""
    config = json.loads((encoder / "config.json").read_text())
    names = {"AutoConfig": "code.Config", "AutoModel": "code.Model", "AutoTokenizer": ["code.Tokenizer", None]}
    (encoder / "config.json").write_text(json.dumps(config | {"model_type": model_type, "auto_map": names}))
    (encoder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\nclass Model: pass\n")
    load_tokenizer(str(encoder))
    for load in (lambda: read_layout(str(encoder), 32, "as_pretrained"), lambda: load_encoder(str(encoder), "fresh")):
        with nullcontext() if model_type == "bert" else pytest.raises(ValueError, match="cannot be loaded"):
            load()
    assert not (tmp_path / "ran").exists()
