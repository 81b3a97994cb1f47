"""A run in which two tokenizers meet ends in one line, before its stores are built."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

pytestmark = pytest.mark.slow

SMOKE = ("scale=smoke", "stage=pretrain", "max_length=32", "tokenizer.vocab_size=268", "pretraining.max_steps=1")


def corpus(name: str, words: str) -> str:
    """Write documents of these words, in an order of their own each."""
    parts = words.split()
    rows = [
        {"text": " ".join(f"{' '.join(parts[n % len(parts) :] + parts[: n % len(parts)])}." for _ in range(4))}
        for n in range(40)
    ]
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def refusal(ended) -> str:
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert ended.status == 1
    assert len(errors) == 1
    assert "Traceback" not in ended.err + ended.out
    return errors[0]


def test_weights_go_on_with_their_own_tokenizer(nsp):
    first, second = (
        corpus("first.jsonl", "apple pear plum cherry grape"),
        corpus("second.jsonl", "horse mouse cow goat"),
    )
    assert nsp(*SMOKE, "corpus=jsonl", f"corpus.path={first}").status == 0
    [origin] = Path("artifacts/encoders").glob("*/config.json")
    going_on = (*SMOKE, "corpus=jsonl", f"corpus.path={second}", f"model.init_from={origin.parent}")
    num_stores = len(list(Path("artifacts/stores").glob("*/train")))
    message = refusal(nsp(*going_on))
    remedy = f"tokenizer=pretrained tokenizer.path={origin.parent}"
    assert f"model.init_from={origin.parent}" in message
    assert remedy in message
    assert len(list(Path("artifacts/stores").glob("*/train"))) == num_stores
    words = [word for word in going_on if not word.startswith("tokenizer.")]
    assert nsp(*words, *remedy.split()).status == 0


def test_a_cased_vocabulary_declared_as_lower_case_is_refused(nsp):
    path, source = corpus("corpus.jsonl", "Anna met Ben in Rome"), Path("source")
    source.mkdir()
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys("Annametbiro.BR")]
    tokenizer = Tokenizer(models.WordPiece({t: n for n, t in enumerate([*tokens, *(f"##{t}" for t in tokens[5:])])}))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(source / "tokenizer.json"))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    words = ("scale=smoke", "stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer=pretrained")
    message = refusal(nsp(*words, f"tokenizer.path={source}"))
    assert "tokenizer.json and AutoTokenizer (tokenizer_class=BertTokenizer) differ" in message
    assert not list(Path("artifacts/stores").glob("*/train"))
