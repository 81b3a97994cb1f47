"""Tiny encoder directories, as transformers saves them, and task files in the original formats."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertForPreTraining,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaPreLayerNormConfig,
    RobertaPreLayerNormForMaskedLM,
)
from transformers.utils import logging as transformers_logging

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.attention import attention_layout
from nsp_ablation.learning.engine.encoder_directory import load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import padded_layout
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.learning.finetuning.task_batches import TaskBatch, TaskBatches
from nsp_ablation.learning.probes.probe_inputs import ProbeInputs
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

_TEXT = "who where lives in works the a cat dog bird oslo rome bonn ann ben carl is red blue good bad yes no . ? ,"
WORDS = _TEXT.split()


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bert_directory(tmp_path_factory) -> str:
    """WordPiece of whole words and single letters; BertForPreTraining (pooler and NSP head included)."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *dict.fromkeys([*WORDS, *letters, *(f"##{c}" for c in letters)]),
    ]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    config = BertConfig(**_sizes(len(tokens)), max_position_embeddings=32, pad_token_id=0)
    return _save(tmp_path_factory.mktemp("bert"), tokenizer, names, BertForPreTraining, config)


@pytest.fixture(scope="session")
def roberta_directory(tmp_path_factory) -> str:
    """Byte-level BPE without merges but for " c", " ca", " cat"; RobertaForMaskedLM (no pooler)."""
    tokenizer, names = _byte_level()
    config = RobertaConfig(**_sizes(300), max_position_embeddings=130, pad_token_id=1)
    return _save(tmp_path_factory.mktemp("roberta"), tokenizer, names, RobertaForMaskedLM, config)


@pytest.fixture(scope="session")
def prelayernorm_directory(tmp_path_factory) -> str:
    tokenizer, names = _byte_level()
    config = RobertaPreLayerNormConfig(**_sizes(300), max_position_embeddings=130, pad_token_id=1)
    return _save(tmp_path_factory.mktemp("preln"), tokenizer, names, RobertaPreLayerNormForMaskedLM, config)


@pytest.fixture(scope="session")
def one_type(roberta_directory, tmp_path_factory) -> str:
    return _random_directory(tmp_path_factory.mktemp("xlmr"), roberta_directory, "xlm-roberta", type_vocab_size=1)


@pytest.fixture(scope="session")
def mpnet(roberta_directory, tmp_path_factory) -> str:
    """An encoder that runs the padded forward pass of `transformers`."""
    return _random_directory(tmp_path_factory.mktemp("mpnet"), roberta_directory, "mpnet")


def _random_directory(target: Path, tokenizer_of: str, model_type: str, **changes) -> str:
    """Any encoder of `transformers` with wide random weights, and the tokenizer of another directory."""
    sizes = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "pad_token_id": 1}
    settings = sizes | {"intermediate_size": 16, "max_position_embeddings": 42, "initializer_range": 0.3} | changes
    with quiet_transformers(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(model_type, **settings)).save_pretrained(target)
    for file in Path(tokenizer_of).glob("*token*"):
        shutil.copyfile(file, target / file.name)
    return str(target)


def _sizes(vocab_size: int) -> dict:
    return {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "initializer_range": 0.1,
        "type_vocab_size": 2,
    }


def _byte_level() -> tuple[Tokenizer, dict[str, str]]:
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "c"), ("Ġc", "a"), ("Ġca", "t")]
    tokens = [*specials, *alphabet, *("".join(pair) for pair in merges)]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
    return tokenizer, names


def _save(directory: Path, tokenizer: Tokenizer, names: dict[str, str], model_class, config) -> str:
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": token for name, token in names.items()}
    ).save_pretrained(directory)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers_logging.disable_progress_bar()
        model_class(config).save_pretrained(directory)
        transformers_logging.enable_progress_bar()
    return str(directory)


@pytest.fixture
def write_condition():
    """Write the `pretraining.json` that an encoder of ours has beside its weights, in a copy of a directory."""

    def write(directory: str, target: Path, pair_separator: str | None = None, **condition: str) -> str:
        shutil.copytree(directory, target)
        content = {"condition": condition, "seed": 1, "pair_separator": pair_separator, "pretraining": {}}
        (target / "pretraining.json").write_text(json.dumps(content))
        return str(target)

    return write


@pytest.fixture
def task_of():
    """Make a task's options from its kind and directory, judged by the kind's first metric."""

    def make(kind: str, path: Path | None, train_file: str | None = None, dev_file: str | None = None, **changed):
        metric = TASK_KINDS[kind].metrics[0]
        options = TaskOptions("task", kind, metric=metric, train_file=train_file, dev_file=dev_file)
        return replace(options, path=None if path is None else str(path), **changed)

    return make


@pytest.fixture(scope="session")
def batch_of():
    """Make the flat batch of some samples of a task's features, for the flat forward pass or, padded, for any other."""

    def make(features: Features, layout: InputLayout, samples, padded: bool = False) -> TaskBatch:
        def make_layout(offsets, longest):
            return padded_layout(offsets) if padded else attention_layout(offsets, longest=longest)

        return TaskBatches(features, layout, [np.array(samples)], make_layout)[0]

    return make


@pytest.fixture
def inputs_of():
    """Make the inputs of a probe of an encoder from documents, given as ids and offsets of sentences and documents;
    `words` are those that a corpus tells facts by."""

    def make(directory: str, max_length: int, documents=None, target_ids=None, words=None) -> ProbeInputs:
        layout, tokenizer = read_layout(directory, max_length, "as_pretrained"), load_tokenizer(directory)
        special_ids = (layout.cls, layout.sep, layout.mask, layout.pad)
        frame = Frame(
            *(max(8, layout.max_length), *special_ids, 1, special_ids),
            vocab_size=len(tokenizer),
            sentence_separator=False,
        )
        store = TokenStore(*map(np.asarray, documents), fingerprint="test") if documents is not None else None
        return ProbeInputs(layout, frame, tokenizer, max_length, store, words, target_ids, seed=1)

    return make
