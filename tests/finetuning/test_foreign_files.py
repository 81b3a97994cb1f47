"""Files of others that are not what they should be: one line with setting, file and remedy."""

import json
import os
import shutil
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from nsp_ablation.base.errors import ForeignFileError, InputError, StatedError
from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_masked_lm, load_tokenizer, read_layout

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
EMBEDDINGS = "bert.embeddings.word_embeddings.weight"


@pytest.fixture
def encoder(bert_directory, tmp_path):
    """A copy of a sound encoder, to be damaged."""
    return Path(shutil.copytree(bert_directory, tmp_path / "encoder"))


def load_all(directory):
    """Do what fine-tuning and the probes do with an encoder."""
    read_layout(str(directory), 32, "as_pretrained")
    load_tokenizer(str(directory))
    load_encoder(str(directory), "fresh")
    load_masked_lm(str(directory))


def rewrite(name, change):
    """Return what replaces the JSON object of a file by `change(object)`, or changes it in place."""

    def apply(directory):
        path = directory / name
        value = json.loads(path.read_text())
        changed = change(value)
        path.write_text(json.dumps(value if changed is None else changed))

    return apply


def header(change):
    """Return what rewrites the header of the weights, whose bytes stay where they are."""

    def apply(directory):
        content = (directory / WEIGHTS).read_bytes()
        (size,) = struct.unpack("<Q", content[:8])
        value = json.loads(content[8 : 8 + size])
        change(value)
        changed = json.dumps(value).encode()
        (directory / WEIGHTS).write_bytes(struct.pack("<Q", len(changed)) + changed + content[8 + size :])

    return apply


def weights(change):
    """Return what rewrites the tensors."""

    def apply(directory):
        tensors = load_file(directory / WEIGHTS)
        change(tensors)
        save_file(tensors, directory / WEIGHTS, metadata={"format": "pt"})

    return apply


def replaced(name, content):
    def apply(directory):
        (directory / name).write_bytes(content)

    return apply


def cut(directory):
    os.truncate(directory / WEIGHTS, (directory / WEIGHTS).stat().st_size // 2)


def as_directory(directory):
    (directory / WEIGHTS).unlink()
    (directory / WEIGHTS).mkdir()


def sharded(names):
    def apply(directory):
        (directory / WEIGHTS).rename(directory / "model-00001-of-00001.safetensors")
        (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys([EMBEDDINGS], names)}))

    return apply


DAMAGE = {
    "a header of 2^60 bytes": (replaced(WEIGHTS, struct.pack("<Q", 1 << 60) + b"{}"), WEIGHTS),
    "half of the weights": (cut, WEIGHTS),
    "no weights at all": (replaced(WEIGHTS, b""), WEIGHTS),
    "an empty header": (replaced(WEIGHTS, struct.pack("<Q", 2) + b"{}"), WEIGHTS),
    "a header that is a list": (replaced(WEIGHTS, struct.pack("<Q", 3) + b"[1]"), WEIGHTS),
    "a header of deep lists": (replaced(WEIGHTS, struct.pack("<Q", 1 << 17) + b"[" * (1 << 17)), WEIGHTS),
    "a web page as weights": (replaced(WEIGHTS, b"<!DOCTYPE html><html>not found</html>"), WEIGHTS),
    "weights that are a directory": (as_directory, WEIGHTS),
    "an unknown type of numbers": (header(lambda value: value[EMBEDDINGS].update(dtype="Q7")), WEIGHTS),
    "a shape that its bytes do not have": (header(lambda value: value[EMBEDDINGS]["shape"].append(2)), WEIGHTS),
    "a negative shape": (header(lambda value: value[EMBEDDINGS].update(shape=[-1, -1])), WEIGHTS),
    "offsets that overlap": (header(lambda value: value[EMBEDDINGS]["data_offsets"].reverse()), WEIGHTS),
    "an entry that is no object": (header(lambda value: value.update({EMBEDDINGS: 7})), WEIGHTS),
    "whole numbers as weights": (
        weights(lambda tensors: tensors.update({EMBEDDINGS: tensors[EMBEDDINGS].to(torch.int32)})),
        WEIGHTS,
    ),
    "another vocabulary's embeddings": (
        weights(lambda tensors: tensors.update({EMBEDDINGS: torch.zeros(7, 32)})),
        "vocab_size",
    ),
    "a NaN": (weights(lambda tensors: tensors[EMBEDDINGS][3].fill_(torch.nan)), "word_embeddings.weight is not finite"),
    "an infinity": (
        weights(lambda tensors: tensors["bert.encoder.layer.1.output.dense.bias"][0].fill_(-torch.inf)),
        "layer.1.output.dense.bias is not finite",
    ),
    "an index that names a file elsewhere": (sharded("../../etc/passwd"), "'../../etc/passwd'"),
    "an index that names an absolute path": (sharded("/etc/passwd.safetensors"), INDEX),
    "an index of numbers": (sharded(7), INDEX),
    "an index that names what is not there": (sharded("model-00002.safetensors"), "model-00002.safetensors"),
    "a hidden size as text": (rewrite("config.json", lambda value: value.update(hidden_size="32")), "hidden_size='32'"),
    "an absurd number of layers": (
        rewrite("config.json", lambda value: value.update(num_hidden_layers=10**9)),
        "num_hidden_layers=1000000000",
    ),
    "more layers than weights": (rewrite("config.json", lambda value: value.update(num_hidden_layers=3)), "3"),
    "no hidden size": (rewrite("config.json", lambda value: value.pop("hidden_size") and None), "hidden_size"),
    "dropout of 7": (rewrite("config.json", lambda value: value.update(hidden_dropout_prob=7)), "hidden_dropout_prob"),
    "padding beyond the vocabulary": (rewrite("config.json", lambda value: value.update(pad_token_id=999)), "pad"),
    "a model type that is a list": (
        rewrite("config.json", lambda value: value.update(model_type=["bert"])),
        "model_type",
    ),
    "an unknown model type": (rewrite("config.json", lambda value: value.update(model_type="nobert")), "nobert"),
    "a configuration that is a list": (rewrite("config.json", lambda value: [value]), "config.json"),
    "a configuration cut short": (replaced("config.json", b'{"hidden_size": 3'), "config.json"),
    "a binary configuration": (replaced("config.json", b"\x80\x04\x95\xff"), "config.json"),
    "a tokenizer of unknown type": (
        rewrite("tokenizer.json", lambda value: value["model"].update(type="Nope")),
        "tokenizer.json",
    ),
    "a tokenizer without a model": (
        rewrite("tokenizer.json", lambda value: value.pop("model") and None),
        "tokenizer.json",
    ),
    "a tokenizer of deep lists": (replaced("tokenizer.json", b"[" * 100_000), "tokenizer.json"),
    "a binary tokenizer": (replaced("tokenizer.json", bytes(range(256))), "tokenizer.json"),
    "a vocabulary that is text": (
        rewrite("tokenizer.json", lambda value: value["model"].update(vocab="a b")),
        "cannot be loaded",
    ),
    "a tokenizer's configuration that is a list": (
        rewrite("tokenizer_config.json", lambda value: [value]),
        "tokenizer_config.json",
    ),
    "facts that are a list": (replaced("pretraining.json", b"[]"), "pretraining.json"),
    "facts of an unknown format": (
        replaced("pretraining.json", b'{"condition": {"format": "nope"}}'),
        "pretraining.json",
    ),
    "facts whose condition is text": (replaced("pretraining.json", b'{"condition": "full"}'), "pretraining.json"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_encoder_is_one_line_with_file_and_remedy(encoder, kind):
    damage, named = DAMAGE[kind]
    damage(encoder)
    with pytest.raises(ForeignFileError) as error:
        load_all(encoder)
    message = str(error.value)
    assert "\n" not in message
    assert f"encoder={encoder}" in message
    assert named in message
    assert any(remedy in message for remedy in ("fetch", "use another", "delete"))
    assert "weights_only" not in message


def test_a_tokenizer_of_100_mb_is_refused_before_it_is_read(encoder):
    with open(encoder / "tokenizer.json", "r+b") as file:
        file.truncate(100 << 20)
    with pytest.raises(ForeignFileError, match=r"tokenizer\.json .* has 104857600 bytes"):
        load_all(encoder)


def test_the_advice_on_pickles_works_when_it_is_followed(encoder):
    torch.save(load_file(encoder / WEIGHTS), encoder / "pytorch_model.bin")
    (encoder / WEIGHTS).unlink()
    with pytest.raises(ForeignFileError, match=r"pytorch_model\.bin, a pickle, .*AutoModelForMaskedLM"):
        load_all(encoder)
    AutoModelForMaskedLM.from_pretrained(encoder).save_pretrained(encoder)
    load_all(encoder)


def test_deleting_facts_as_the_message_says_makes_it_an_encoder_of_others(encoder):
    load_all(encoder)
    path = encoder / "pretraining.json"
    path.write_text("[]")
    with pytest.raises(ForeignFileError, match=f"delete {path}"):
        load_all(encoder)
    path.unlink()
    load_all(encoder)


def test_an_encoder_in_several_files_and_in_half_precision_is_read(encoder):
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(encoder / WEIGHTS).items()}
    names = sorted(tensors)
    parts = {"model-00001.safetensors": names[::2], "model-00002.safetensors": names[1::2]}
    for file, own in parts.items():
        save_file({name: tensors[name] for name in own}, encoder / file, metadata={"format": "pt"})
    places = {name: file for file, own in parts.items() for name in own}
    (encoder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (encoder / WEIGHTS).unlink()
    load_all(encoder)
    assert load_encoder(str(encoder), "fresh").dtype == torch.float32


def test_every_refusal_is_stated():
    assert issubclass(ForeignFileError, StatedError)
    assert not issubclass(ForeignFileError, InputError)
