from pathlib import Path

import pytest

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.tokenizer import train_tokenizer

TEXTS = [
    "The quick brown fox jumps over the lazy dog. It isn't lazy; it's resting near Zürich, at 9:30!",
    "A dog and a fox met in Zürich. The dog said: 'Who's there?' The fox wasn't there — it had jumped.",
    "Über naïve cafés in 東京, the fox jumped and jumped, and the dogs were resting, resting, resting.",
]


@pytest.fixture(scope="session")
def transformers():
    """The library, whose tokenizers take seconds to import."""
    import transformers

    assert all(map(callable, (transformers.AutoTokenizer, transformers.BertTokenizer, transformers.RobertaTokenizer)))
    return transformers


@pytest.fixture(scope="session")
def bbpe(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("tokenizers") / "bbpe"
    train_tokenizer(TokenizerOptions("bbpe", 300), iter(TEXTS), directory)
    return directory


@pytest.fixture(scope="session")
def wordpiece(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("tokenizers") / "wordpiece"
    train_tokenizer(TokenizerOptions("wordpiece", 100, lowercase=True), iter(TEXTS), directory)
    return directory
