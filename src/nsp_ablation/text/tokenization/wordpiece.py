"""WordPiece as BERT's (Devlin et al. 2019): words split at spaces and punctuation, `##` before each later piece.

BERT's own trainer was never released. This one is that of `tokenizers` (BPE merges written as WordPiece), made
deterministic: left to itself it numbers the `##` characters, and cuts ties of rare characters, in hash order.
"""

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from nsp_ablation.base.errors import InputError

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}

_CONTINUATION = "##"
# As BertWordPieceTokenizer of `tokenizers`; BERT's released English vocabulary has 997 single characters.
_MAX_CHARACTERS = 1000
_MIN_FREQUENCY = 2
_SPOOL_BYTES = 64 << 20


def transformers_config(lowercase: bool) -> dict[str, Any]:
    """Return the tokenizer_config.json with which BertTokenizer treats text as `train_wordpiece` did."""
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lowercase,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        **SPECIAL_TOKENS,
    }


def train_wordpiece(texts: Iterator[str], vocab_size: int, lowercase: bool) -> Tokenizer:
    """Train a WordPiece; [PAD], [UNK], [CLS], [SEP], [MASK] are ids 0 to 4. The same texts give the same tokenizer.

    Characters beyond the 1000 most frequent become [UNK]. The texts are read twice, the second time from a temporary
    file (in memory up to 64 MiB). Raises InputError if `vocab_size` is below the characters and special tokens. The
    result has fewer than `vocab_size` tokens where the texts hold too few pairs.
    """
    tokenizer = _untrained({token: index for index, token in enumerate(SPECIAL_TOKENS.values())}, lowercase)
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        alphabet = _alphabet(_spooled(texts, spool), tokenizer)
        continuations = [_CONTINUATION + character for character in alphabet if _continues(character, tokenizer)]
        # Given as special tokens, the `##` characters are numbered before the trainer meets them in hash order.
        first_tokens = [*SPECIAL_TOKENS.values(), *continuations]
        smallest = len(first_tokens) + len(alphabet)
        if vocab_size < smallest:
            raise InputError(
                f"tokenizer.vocab_size={vocab_size} is smaller than the characters and special tokens of this corpus "
                f"({smallest}); raise it"
            )
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
    return _untrained({token: vocabulary[token] for token in sorted(vocabulary, key=vocabulary.__getitem__)}, lowercase)


def _untrained(vocabulary: dict[str, int], lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
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


def _alphabet(texts: Iterator[str], tokenizer: Tokenizer) -> list[str]:
    written: Counter[str] = Counter()
    for text in texts:
        written.update(text)
    normalized: Counter[str] = Counter()
    for character, count in written.items():
        for part in tokenizer.normalizer.normalize_str(character).split():
            normalized.update(dict.fromkeys(part, count))
    by_frequency = sorted(normalized, key=lambda character: (-normalized[character], character))
    return sorted(by_frequency[:_MAX_CHARACTERS])


def _continues(character: str, tokenizer: Tokenizer) -> bool:
    """Return whether a character can stand inside a word: punctuation and Chinese characters never do."""
    word = tokenizer.normalizer.normalize_str(f"a{character}")
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(word)) == 1
