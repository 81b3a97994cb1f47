"""WordPiece as BERT's (Devlin et al. 2019): words split at spaces and punctuation, `##` before each later piece.

BERT's own trainer was never released. This one is that of `tokenizers` (BPE merges written as WordPiece), made
deterministic: left to itself it numbers the `##` characters, and cuts ties of rare characters, in hash order.
"""

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import TokenizerOptions

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}

_CONTINUATION = "##"
# The default alphabet. English is as in BertWordPieceTokenizer of `tokenizers` (BERT's released English vocabulary has
# 997 single characters); Chinese needs some 4000. The share is SentencePiece's `character_coverage`.
_LEAST_ALPHABET = 1000
_COVERAGE = 0.9995
_BERT_WORD_CHARACTERS = 100  # of BertTokenizer, which no setting of it changes
_MIN_FREQUENCY = 2
_SPOOL_BYTES = 64 << 20


def transformers_config(options: TokenizerOptions) -> dict[str, Any]:
    """Return the tokenizer_config.json with which `AutoTokenizer` treats text as `train_wordpiece` did.

    BertTokenizer builds its tokenizer anew from the vocabulary and the settings here, among which is no longest word.
    """
    is_bert = options.max_word_characters == _BERT_WORD_CHARACTERS
    return {
        "tokenizer_class": "BertTokenizer" if is_bert else "PreTrainedTokenizerFast",
        "do_lower_case": options.lowercase,
        "strip_accents": options.strip_accents,
        "tokenize_chinese_chars": True,
        **SPECIAL_TOKENS,
    }


def train_wordpiece(texts: Iterator[str], options: TokenizerOptions) -> Tokenizer:
    """Train a WordPiece; [PAD], [UNK], [CLS], [SEP], [MASK] are ids 0 to 4. The same texts give the same tokenizer.

    The texts are read twice, the second time from a temporary file (in memory up to 64 MiB). Raises InputError if
    `options.vocab_size` is below the characters and special tokens, or beyond what the texts have pairs for.
    """
    vocab_size = options.vocab_size
    assert vocab_size is not None
    tokenizer = _untrained({token: index for index, token in enumerate(SPECIAL_TOKENS.values())}, options)
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        counts = _characters(_spooled(texts, spool), tokenizer)
        by_frequency = list(counts)
        alphabet = sorted(by_frequency[: options.max_alphabet or _alphabet_size(counts)])
        # Given as special tokens, the `##` characters are numbered before the trainer meets them in hash order.
        continuations = [_CONTINUATION + character for character in alphabet if _continues(character, tokenizer)]
        first_tokens = [*SPECIAL_TOKENS.values(), *continuations]
        _check_room(vocab_size, len(first_tokens) + len(alphabet), by_frequency, tokenizer)
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab_size,
            min_frequency=_MIN_FREQUENCY,
            show_progress=False,
            special_tokens=first_tokens,
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            continuing_subword_prefix=_CONTINUATION,
        )
        spool.seek(0)
        tokenizer.train_from_iterator(_unspooled(spool), trainer)
    vocabulary = tokenizer.get_vocab()
    if len(vocabulary) < vocab_size:
        is_cut = len(alphabet) < len(by_frequency)
        more = f", or set tokenizer.max_alphabet={len(by_frequency)} to keep every character" if is_cut else ""
        raise InputError(
            f"tokenizer.vocab_size={vocab_size} is larger than the vocabulary that can be trained on this corpus "
            f"({len(vocabulary)}); set tokenizer.vocab_size={len(vocabulary)}, or give more text{more}"
        )
    return _untrained({token: vocabulary[token] for token in sorted(vocabulary, key=vocabulary.__getitem__)}, options)


def _untrained(vocabulary: dict[str, int], options: TokenizerOptions) -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece(
            vocabulary,
            unk_token=SPECIAL_TOKENS["unk_token"],
            max_input_chars_per_word=options.max_word_characters,
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=options.lowercase, strip_accents=options.strip_accents)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=_CONTINUATION)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS.values()))
    cls, sep = SPECIAL_TOKENS["cls_token"], SPECIAL_TOKENS["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(token, vocabulary[token]) for token in (cls, sep)],
    )
    return tokenizer


def _spooled(texts: Iterator[str], spool: Any) -> Iterator[str]:
    for text in texts:
        pickle.dump(text, spool)
        yield text


def _unspooled(spool: Any) -> Iterator[str]:
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return


def _characters(texts: Iterator[str], tokenizer: Tokenizer) -> dict[str, int]:
    """Return how often each character occurs in normalized text, the most frequent first."""
    written: Counter[str] = Counter()
    for text in texts:
        written.update(text)
    normalized: Counter[str] = Counter()
    for character, count in written.items():
        for part in tokenizer.normalizer.normalize_str(character).split():
            normalized.update(dict.fromkeys(part, count))
    return dict(sorted(normalized.items(), key=lambda item: (-item[1], item[0])))


def _alphabet_size(counts: dict[str, int]) -> int:
    """Return how many of the characters, the most frequent first, make up 99.95 % of the text; at least 1000."""
    if not counts:
        return 0
    running = np.cumsum(list(counts.values()), dtype=np.int64)
    return max(_LEAST_ALPHABET, int(np.searchsorted(running, _COVERAGE * running[-1])) + 1)


def _check_room(vocab_size: int, num_first: int, by_frequency: Iterable[str], tokenizer: Tokenizer) -> None:
    """Raise InputError where special tokens and characters are more than `vocab_size`, with an alphabet that fits."""
    if num_first <= vocab_size:
        return
    sizes = np.cumsum([1 + _continues(character, tokenizer) for character in by_frequency])
    num_fitting = int(np.searchsorted(sizes, vocab_size - len(SPECIAL_TOKENS), side="right"))
    raise InputError(
        f"tokenizer.vocab_size={vocab_size} is smaller than the characters and special tokens of this corpus "
        f"({num_first}); raise it to {num_first} or more, or set tokenizer.max_alphabet={num_fitting} (all other "
        "characters become [UNK])"
    )


def _continues(character: str, tokenizer: Tokenizer) -> bool:
    """Return whether a character can stand inside a word: punctuation and Chinese characters never do."""
    word = tokenizer.normalizer.normalize_str(f"a{character}")
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(word)) == 1
