"""Encoders of other architectures: which can be read, how long their inputs are, and what is refused in one line."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from nsp_ablation.learning.engine.encoder_directory import load_encoder, read_layout
from nsp_ablation.learning.engine.encoder_trial import try_encoder
from nsp_ablation.learning.engine.quiet import quiet_transformers

SIZES = {
    "vocab_size": 301,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "initializer_range": 0.5,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
AFTER_PADDING = (
    "xlm-roberta",
    "camembert",
    "mpnet",
    "roberta",
    "data2vec-text",
    "xlm-roberta-xl",
    "ibert",
    "longformer",
)
FROM_ZERO = (
    "bert",
    "electra",
    "albert",
    "ernie",
    "deberta",
    "deberta-v2",
    "roformer",
    "megatron-bert",
    "nystromformer",
)
CHANGES = {
    "longformer": {"attention_window": [4], "max_position_embeddings": 42},
    "electra": {"embedding_size": 16},
    "albert": {"embedding_size": 16},
}
POSITIONS = 40


@pytest.fixture(scope="module")
def save(roberta_directory, tmp_path_factory):
    """save("mpnet", **changes): a random encoder of a kind, with a byte-level tokenizer of 264 tokens, pad 1."""

    def make(model_type: str, **changes) -> str:
        first = 2 if model_type in AFTER_PADDING else 0
        settings = SIZES | {"max_position_embeddings": POSITIONS + first} | CHANGES.get(model_type, {}) | changes
        directory = tmp_path_factory.mktemp(model_type)
        with quiet_transformers(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = AutoModel.from_config(AutoConfig.for_model(model_type, **settings))
            for parameter in model.parameters():
                parameter.data.normal_(0, 0.3)
            model.save_pretrained(directory)
        for file in Path(roberta_directory).glob("*token*"):
            shutil.copyfile(file, directory / file.name)
        return str(directory)

    return make


@pytest.mark.parametrize("model_type", [*AFTER_PADDING, *FROM_ZERO])
def test_inputs_fill_all_positions_and_no_more(save, model_type):
    directory = save(model_type)
    try_encoder(directory, 10_000)
    layout = read_layout(directory, 10_000, "as_pretrained")
    assert layout.max_length == POSITIONS
    encoder = load_encoder(directory, "fresh").eval()
    has_table = hasattr(getattr(encoder, "embeddings", None), "position_embeddings") and model_type != "deberta"
    if (
        has_table
        and isinstance(encoder.embeddings.position_embeddings, torch.nn.Embedding)
        and model_type != "longformer"
    ):
        with pytest.raises((IndexError, RuntimeError)):
            encoder(input_ids=torch.full((1, POSITIONS + 1), 7))


@pytest.mark.parametrize("model_type", ["xlm-roberta", "camembert", "mpnet"])
def test_a_padded_batch_gives_what_transformers_gives_each_input_at_its_own_positions(save, model_type):
    """The positions begin after the padding id in theirs; MPNet adds buckets of relative positions."""
    directory = save(model_type)
    ours = load_encoder(directory, "fresh").double().eval()
    with quiet_transformers():
        theirs = AutoModel.from_pretrained(directory, dtype=torch.float64).eval()
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 300, (3, POSITIONS), generator=draw)
    mask = (torch.arange(POSITIONS) < torch.tensor([POSITIONS, 17, 4])[:, None]).long()
    with torch.no_grad():
        found = ours(input_ids=torch.where(mask.bool(), ids, 1), attention_mask=mask).last_hidden_state
        for row, length in enumerate((POSITIONS, 17, 4)):
            alone, positions = ids[row, None, :length], torch.arange(2, length + 2)[None]
            expected = theirs(input_ids=alone, position_ids=positions).last_hidden_state[0]
            torch.testing.assert_close(found[row, :length], expected)


@pytest.mark.parametrize(
    ("model_type", "changes", "message"),
    [
        ("gpt2", {}, "a gpt2"),
        ("biogpt", {}, "left to right alone"),
        ("bert", {"is_decoder": True}, "left to right alone"),
        ("distilbert", {}, "a distilbert"),
        ("modernbert", {}, "a modernbert"),
        ("t5", {}, "t5"),
        ("bart", {}, "a bart"),
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type=relative_key"),
        ("bert", {"vocab_size": 200}, "is id 200, and the encoder has 200 embeddings"),
        ("mpnet", {"max_position_embeddings": 2}, "holds 0 tokens"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(save, model_type, changes, message):
    directory = save(model_type, **changes)
    with pytest.raises(ValueError, match=f"encoder={re.escape(directory)}") as error:
        try_encoder(directory, 10_000)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_tokenizer_with_added_tokens_is_refused_until_the_embedding_has_them(save, tmp_path):
    directory = save("bert", vocab_size=264)
    try_encoder(directory, 32)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    tokenizer.add_tokens(["<entity>", "<event>"])
    tokenizer.save_pretrained(directory)
    with pytest.raises(ValueError, match=r"'<entity>' is id 264, and the encoder has 264 embeddings \(2 such") as error:
        try_encoder(directory, 32)
    size = int(re.search(r"resize_token_embeddings\((\d+)\)", str(error.value))[1])
    with quiet_transformers():
        model = AutoModel.from_pretrained(directory)
        model.resize_token_embeddings(size)
        model.save_pretrained(directory)
    try_encoder(directory, 32)


@pytest.mark.parametrize("vocab_size", [264, 272, 320])
def test_an_embedding_that_is_padded_is_fine(save, vocab_size):
    try_encoder(save("roberta", vocab_size=vocab_size), 32)


def test_positions_that_count_another_padding_are_refused(save):
    directory = save("mpnet")
    config = json.loads((Path(directory) / "tokenizer_config.json").read_text())
    (Path(directory) / "tokenizer_config.json").write_text(json.dumps(config | {"pad_token": "<unk>"}))
    with pytest.raises(ValueError, match="pad is 3 in the tokenizer, 1 in the position table"):
        try_encoder(directory, 32)


@pytest.mark.parametrize("model_type", ["electra", "albert", "ernie"])
def test_the_second_text_has_the_type_that_the_tokenizer_gives_it(save, model_type):
    directory = save(model_type, type_vocab_size=2)
    assert read_layout(directory, 32, "as_pretrained").second_type == 0  # RoBERTa's processor gives no types
    file = Path(directory) / "tokenizer.json"
    description = json.loads(file.read_text())
    description["post_processor"] = {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
    file.write_text(json.dumps(description))
    assert read_layout(directory, 32, "as_pretrained").second_type == 1
    try_encoder(directory, 32)
