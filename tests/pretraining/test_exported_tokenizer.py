"""The tokenizer of an export gives what pre-training fed: for every tokenizer, format, separator and architecture."""

import json
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForNextSentencePrediction,
    BertTokenizer,
    RobertaModel,
    pipeline,
)

from nsp_ablation.learning.engine.encoder_directory import read_layout
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.learning.pretraining.pretraining_model import build_model, export_encoder
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.model_options import ARCHITECTURES
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import (
    copy_pretrained,
    load_tokenizer,
    num_ids,
    special_tokens,
    train_tokenizer,
)

DOCUMENTS = [
    ["Mara found the Lantern.", "It was near Zürich in 1907!", "The fox slept."],
    ["京都 is a town.", "Tom's dog isn't there:", "it ran away", "The naïve fox (or dog) jumped."],
    ["A short one.", "Who is there?"],
]
TEXTS = [sentence for document in DOCUMENTS for sentence in document]
PAIRS = [name for name, facts in FORMATS.items() if facts.is_pair]
MAX_LENGTH = 48
# every layout of special tokens that settings can ask for
LAYOUTS = [
    *(FormatOptions(name, pair_separator=separator) for name, separator in product(PAIRS, ("single", "double"))),
    *(FormatOptions(name, sentence_separator=inside) for name in ("full", "doc") for inside in (False, True)),
]


def foreign_wordpiece(directory):
    """A WordPiece with names of its own, stored truncation and padding, and settings that would change the layout."""
    tokens = ["<pad>", "<unk>", "<begin>", "<end>", "<blank>", *dict.fromkeys("".join(TEXTS).replace(" ", ""))]
    pieces = [*tokens, *(f"##{token}" for token in tokens[5:])]
    tokenizer = Tokenizer(models.WordPiece({token: n for n, token in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(pad_id=0, pad_token="<pad>", length=32)
    names = {"cls_token": "<begin>", "sep_token": "<end>", "mask_token": "<blank>", "add_bos_token": False}
    save(tokenizer, directory, names | {"pad_token": "<pad>", "unk_token": "<unk>", "max_length": 6})


def foreign_byte_level(directory):
    """A byte-level BPE without a space before the first word, its processor in a sequence."""
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: n for n, token in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(specials)
    template = processors.TemplateProcessing(
        single="<s> $A </s>", pair="$A $B", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    save(tokenizer, directory, {})


def save(tokenizer, directory, config):
    directory.mkdir()
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """Directories of every kind of tokenizer, as the chain makes them."""
    root = tmp_path_factory.mktemp("tokenizers")
    train_tokenizer(TokenizerOptions("bbpe", 290), iter(TEXTS * 3), root / "bbpe")
    train_tokenizer(TokenizerOptions("wordpiece", 100, lowercase=True), iter(TEXTS * 3), root / "wordpiece")
    for make in (foreign_wordpiece, foreign_byte_level):
        make(root / f"source_{make.__name__}")
        copy_pretrained(str(root / f"source_{make.__name__}"), root / make.__name__)
    return {name: root / name for name in ("bbpe", "wordpiece", "foreign_wordpiece", "foreign_byte_level")}


@pytest.fixture(scope="module")
def export(tokenizers, model_options, tmp_path_factory):
    """export(tokenizer="bbpe", format=..., architecture="bert", types=2): an encoder as pre-training exports it."""

    def make(tokenizer: str, format: FormatOptions, architecture: str = "bert", types: int = 2) -> SimpleNamespace:
        special = special_tokens(tokenizers[tokenizer])
        frame = Frame(
            *(MAX_LENGTH, special.cls, special.sep, special.mask, special.pad, format.num_pair_separators),
            *(special.all_ids, num_ids(load_tokenizer(tokenizers[tokenizer])), format.sentence_separator),
        )
        options = replace(model_options, architecture=architecture, type_vocab_size=types)
        heads = {"predicts_pairs": FORMATS[format.name].is_pair, "confines_attention": False}
        model = build_model(options, frame, **heads, seed=1, token_counts=None).eval()
        directory = tmp_path_factory.mktemp("export")
        condition = {"format": format.name}
        facts = {"condition": condition, "seed": 1, "pair_separator": format.pair_separator, "pretraining": {}}
        with quiet_transformers():
            export_encoder(model, tokenizers[tokenizer], directory, facts)
        return SimpleNamespace(model=model, frame=frame, directory=str(directory), format=format)

    return make


def layout_name(format: FormatOptions) -> str:
    inside = "-inside" if format.sentence_separator else ""
    return f"{format.name}-{format.pair_separator}{inside}"


def samples_of(exported, tokenizer):
    """Yield (texts, ids, types) of the samples of all documents that hold one text or two."""
    backend = load_tokenizer(tokenizer)
    ids = [[backend.encode(text, add_special_tokens=False).ids for text in document] for document in DOCUMENTS]
    store = TokenStore.from_documents(ids, exported.frame.vocab_size)
    index = make_format(exported.format, "nsp").index(store, exported.frame, 1, 0)
    masks = Masks(MaskingOptions("dynamic"), 1)
    flat = assemble_masked(store, index, exported.frame, np.arange(index.num_samples), masks, 1)
    for sample in range(index.num_samples):
        spans = index.spans[index.offsets[sample] : index.offsets[sample + 1]]
        first, last = np.searchsorted(store.sentence_offsets, spans).T
        if len(spans) > 2 or not np.array_equal(np.asarray(store.sentence_offsets)[[first, last]].T, spans):
            continue  # more than two texts, or one that was cut
        tokens = slice(flat.sequence_offsets[sample], flat.sequence_offsets[sample + 1])
        texts = [" ".join(TEXTS[start:end]) for start, end in zip(first, last, strict=True)]
        yield texts, flat.input_ids[tokens].tolist(), flat.token_type_ids[tokens].tolist()


@pytest.mark.parametrize("format", LAYOUTS, ids=layout_name)
@pytest.mark.parametrize("tokenizer", ["bbpe", "wordpiece", "foreign_wordpiece"])
def test_auto_tokenizer_gives_what_pretraining_fed(export, tokenizers, tokenizer, format):
    exported = export(tokenizer, format)
    theirs, num_texts = AutoTokenizer.from_pretrained(exported.directory), set()
    for texts, ids, types in samples_of(exported, tokenizers[tokenizer]):
        encoded = theirs(*texts)
        assert (encoded.input_ids, encoded.token_type_ids) == (ids, types)
        num_texts.add(len(texts))
    assert num_texts == {2} if format.name in PAIRS else num_texts


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("types", [1, 2])
@pytest.mark.parametrize("format", LAYOUTS[1:3] + LAYOUTS[4::3], ids=layout_name)
def test_auto_tokenizer_gives_what_fine_tuning_of_ours_feeds(export, architecture, types, format):
    exported = export("bbpe", format, architecture, types)
    layout = read_layout(exported.directory, 10_000, "as_pretrained")
    assert (layout.max_length, layout.pair_separators) == (MAX_LENGTH, format.num_pair_separators)
    theirs = AutoTokenizer.from_pretrained(exported.directory)
    firsts, seconds = encode(theirs.backend_tokenizer, TEXTS), encode(theirs.backend_tokenizer, TEXTS[::-1])
    ids, offsets, second = lay_out(firsts, seconds, layout)
    features = Features(ids, offsets, second, {}, np.arange(len(TEXTS)))
    for number in range(len(TEXTS)):
        ours = features.batch(np.array([number]), layout)
        encoded = theirs(TEXTS[number], TEXTS[::-1][number])
        assert encoded.input_ids == ours["input_ids"].tolist()
        assert encoded.token_type_ids == ours.get("token_type_ids", np.zeros_like(ours["input_ids"])).tolist()
        assert max(encoded.token_type_ids) == (types == 2 and format.name in PAIRS)
    assert theirs(TEXTS[0]).token_type_ids == [0] * len(theirs(TEXTS[0]).input_ids)


@pytest.mark.parametrize("tokenizer", ["bbpe", "wordpiece", "foreign_wordpiece", "foreign_byte_level"])
def test_tokens_and_their_offsets_are_those_of_before(export, tokenizers, tokenizer):
    ours = load_tokenizer(tokenizers[tokenizer])
    theirs = AutoTokenizer.from_pretrained(export(tokenizer, FormatOptions("segment_pair")).directory)
    mask = theirs.mask_token
    for text in [*TEXTS, f"  A {mask} fox,  {mask}dog \t京都", ""]:
        expected = ours.encode(text, add_special_tokens=False)
        encoded = theirs(text, add_special_tokens=False, return_offsets_mapping=True)
        assert (encoded.input_ids, encoded["offset_mapping"]) == (expected.ids, expected.offsets)


@pytest.mark.parametrize(
    ("architecture", "tokenizer"),
    [*((name, "bbpe") for name in ARCHITECTURES), ("bert", "foreign_wordpiece"), ("roberta", "foreign_byte_level")],
)
def test_long_texts_are_cut_at_the_positions_there_are(export, tokenizer, architecture):
    exported = export(tokenizer, FormatOptions("segment_pair", pair_separator="double"), architecture)
    for options in ({}, {"use_fast": True}, {"use_fast": False}):
        theirs = AutoTokenizer.from_pretrained(exported.directory, **options)
        assert theirs.model_max_length == MAX_LENGTH
        encoded = theirs("the fox ran. " * 50, "the dog ran. " * 50, truncation=True, return_tensors="pt")
        assert encoded.input_ids.shape == (1, MAX_LENGTH)
        with quiet_transformers(), torch.no_grad():
            AutoModel.from_pretrained(exported.directory)(**encoded)
    assert len(theirs("the fox").input_ids) < MAX_LENGTH  # neither padded nor cut unless asked


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pipelines_work_on_long_text(export, architecture):
    exported = export("bbpe", FormatOptions("full"), architecture)
    text = "Mara found the <mask>. " + "It was near a town. " * 50
    with quiet_transformers():
        fill = pipeline("fill-mask", model=exported.directory)
        assert len(fill(text, tokenizer_kwargs={"truncation": True})) == 5
        features = pipeline("feature-extraction", model=exported.directory)
        assert len(features(text, truncation=True)[0]) == MAX_LENGTH


@pytest.mark.parametrize("tokenizer", ["bbpe", "wordpiece", "foreign_wordpiece"])
@pytest.mark.parametrize("separator", ["single", "double"])
def test_a_published_head_on_pairs_says_the_same_through_auto_tokenizer(
    export, tokenizers, make_batch, tokenizer, separator
):
    exported = export(tokenizer, FormatOptions("segment_pair", pair_separator=separator))
    theirs = AutoTokenizer.from_pretrained(exported.directory)
    with quiet_transformers():
        head = BertForNextSentencePrediction.from_pretrained(exported.directory).eval()
    samples = list(samples_of(exported, tokenizers[tokenizer]))
    assert len(samples) > 2
    for texts, ids, types in samples:
        batch = replace(make_batch([len(ids)]), input_ids=torch.tensor(ids), token_type_ids=torch.tensor(types))
        with torch.no_grad():
            expected, found = exported.model(batch)[1], head(**theirs(*texts, return_tensors="pt")).logits
        torch.testing.assert_close(found, expected)


def test_the_classes_of_published_models_load_an_export(export):
    bert = export("wordpiece", FormatOptions("segment_pair"))
    text = ("Mara found the Lantern.", "It was near Zürich in 1907!")
    auto = AutoTokenizer.from_pretrained(bert.directory)
    assert BertTokenizer.from_pretrained(bert.directory)(*text).data == auto(*text).data  # the layout is BERT's own
    roberta = export("bbpe", FormatOptions("full"), "roberta")
    with quiet_transformers():
        for model_class in (RobertaModel, AutoModelForMaskedLM):
            _, info = model_class.from_pretrained(roberta.directory, output_loading_info=True)
            assert not info["missing_keys"]
