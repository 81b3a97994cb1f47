import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.tokenizer import (
    SpecialTokens,
    load_tokenizer,
    num_ids,
    special_tokens,
    tokenizer_fingerprint,
    train_tokenizer,
    word_starts,
)

VALID_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(VALID_TEXT)
@example("<s> a</s><mask>")
@example("tabs\tand\n\nlines  \u3000 \U0001f600")
def test_byte_level_bpe_loses_nothing_and_knows_every_text(bbpe, text):
    tokenizer = load_tokenizer(bbpe)
    tokenizer.encode_special_tokens = True
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) in (text, " " + text)
    assert not set(ids) & set(special_tokens(bbpe).all_ids)


def test_the_first_word_has_the_token_it_has_elsewhere(bbpe):
    tokens = load_tokenizer(bbpe).encode("fox fox", add_special_tokens=False).tokens
    assert tokens == ["Ġfox", "Ġfox"]


def test_special_tokens_are_the_first_ids(bbpe, wordpiece):
    assert special_tokens(bbpe) == SpecialTokens(cls=0, pad=1, sep=2, unk=3, mask=4, all_ids=(0, 1, 2, 3, 4))
    assert special_tokens(wordpiece) == SpecialTokens(pad=0, unk=1, cls=2, sep=3, mask=4, all_ids=(0, 1, 2, 3, 4))


@pytest.mark.parametrize(("kind", "vocab_size"), [("bbpe", 300), ("wordpiece", 100)])
def test_a_trained_vocabulary_has_exactly_the_size_asked_for(kind, vocab_size, request):
    tokenizer = load_tokenizer(request.getfixturevalue(kind))
    assert tokenizer.get_vocab_size() == num_ids(tokenizer) == vocab_size
    assert sorted(tokenizer.get_vocab().values()) == list(range(vocab_size))


def test_lowercasing_is_wordpiece_and_as_asked(wordpiece, tmp_path):
    assert load_tokenizer(wordpiece).encode("Fox", add_special_tokens=False).tokens == ["fox"]
    train_tokenizer(TokenizerOptions("wordpiece", 13), iter(["Fox Fox fox fox fox"]), tmp_path)
    assert load_tokenizer(tmp_path).encode("FOX", add_special_tokens=False).tokens == ["[UNK]"]
    with pytest.raises(ValueError, match="tokenizer.lowercase=true"):
        train_tokenizer(TokenizerOptions("bbpe", 300, lowercase=True), iter([]), tmp_path)


# 1500 syllables of one occurrence each: which 1000 of them become characters must not be left to chance.
SYLLABLES = " ".join(chr(0xAC00 + number) + chr(0xAC00 + number + 1) for number in range(0, 1500, 2))


@pytest.mark.parametrize(
    ("kind", "text", "vocab_size"), [("bbpe", SYLLABLES, 268), ("wordpiece", SYLLABLES, 2005), ("wordpiece", "", 140)]
)
def test_training_is_deterministic(kind, text, vocab_size, tmp_path):
    words = ["".join(chr(97 + (first * step) % 26) for step in range(1, 7)) for first in range(1, 26)]
    fingerprints = set()
    for attempt in range(4):
        directory = tmp_path / str(attempt)
        train_tokenizer(
            TokenizerOptions(kind, vocab_size, max_alphabet=1000), iter([text or " ".join(words * 3)]), directory
        )
        fingerprints.add(tokenizer_fingerprint(directory))
    assert len(fingerprints) == 1


@pytest.mark.parametrize(
    ("kind", "vocab_size", "message"),
    [
        ("bbpe", 260, r"tokenizer.vocab_size=260 is smaller than .* \(261\)"),
        ("bbpe", 9000, r"tokenizer.vocab_size=9000 is larger than .* \(264\)"),
        ("wordpiece", 10, r"tokenizer.vocab_size=10 is smaller than .* \(11\)"),
        ("wordpiece", 9000, r"tokenizer.vocab_size=9000 is larger than .* \(13\)"),
    ],
)
def test_a_size_out_of_reach_names_the_reachable_one(kind, vocab_size, message, tmp_path):
    texts = ["fox fox fox"]  # two merges make "fox"; byte-level BPE has a third for the leading space
    with pytest.raises(ValueError, match=message):
        train_tokenizer(TokenizerOptions(kind, vocab_size), iter(texts), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_text_that_is_not_unicode_is_an_error_of_the_corpus(kind, tmp_path):
    with pytest.raises(ValueError, match="corpus.path holds text that is not valid Unicode"):
        train_tokenizer(TokenizerOptions(kind, 300), iter(["half a pair: \ud800"]), tmp_path)


def test_word_starts_of_byte_level_bpe_are_tokens_with_a_leading_space(bbpe):
    starts, tokenizer = word_starts(bbpe), load_tokenizer(bbpe)
    assert starts.shape == (300,)
    assert starts.dtype == np.bool_
    ids = tokenizer.encode("resting foxes", add_special_tokens=False).ids
    tokens = [tokenizer.id_to_token(token) for token in ids]
    assert [token for token, start in zip(tokens, starts[ids], strict=True) if start] == ["Ġresting", "Ġfox"]
    assert starts[:5].all()
    assert not starts[tokenizer.token_to_id("e")]


def test_word_starts_of_wordpiece_are_tokens_without_continuation_mark(wordpiece):
    starts, tokenizer = word_starts(wordpiece), load_tokenizer(wordpiece)
    ids = tokenizer.encode("foxes, fox", add_special_tokens=False).ids
    assert [tokenizer.id_to_token(token) for token in ids] == ["fox", "##es", ",", "fox"]
    assert starts[ids].tolist() == [True, False, True, True]
    assert starts[:5].all()


FORK = """
import os, sys
from pathlib import Path
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer
tokenizer = load_tokenizer(Path(sys.argv[1]))
batch = ["a fox"] * 64
expected = [encoding.ids for encoding in tokenizer.encode_batch(batch)]
child = os.fork()
if child == 0:
    os._exit(0 if [encoding.ids for encoding in tokenizer.encode_batch(batch)] == expected else 1)
assert os.waitpid(child, 0)[1] == 0
assert "TOKENIZERS_PARALLELISM" not in os.environ
"""


def test_a_fork_after_encoding_neither_warns_nor_hangs(bbpe):
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", FORK, str(bbpe)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
