"""Byte-level BPE as RoBERTa's (section 4.4; Radford et al. 2019): no unknown token, every text can be encoded.

Unlike RoBERTa's released vocabulary, a text always gets a leading space, so that its first word has the same token as
anywhere else.
"""

from collections.abc import Iterator

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from nsp_ablation.base.errors import InputError

SPECIAL_TOKENS = {
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "bos_token": "<s>",
    "eos_token": "</s>",
}
TRANSFORMERS_CONFIG = {
    "tokenizer_class": "RobertaTokenizer",
    "add_prefix_space": True,
    "trim_offsets": True,
    **SPECIAL_TOKENS,
}

_SPECIALS = list(dict.fromkeys(SPECIAL_TOKENS.values()))
# A pair that occurs once in the whole corpus teaches a token that no model can learn.
_MIN_FREQUENCY = 2


def train_bbpe(texts: Iterator[str], vocab_size: int) -> Tokenizer:
    """Train a byte-level BPE; <s>, <pad>, </s>, <unk>, <mask> are ids 0 to 4. The same texts give the same tokenizer.

    Raises InputError if `vocab_size` is below the 256 bytes and the special tokens, or beyond what the texts have pairs
    for.
    """
    smallest = len(pre_tokenizers.ByteLevel.alphabet()) + len(_SPECIALS)
    if vocab_size < smallest:
        raise InputError(
            f"tokenizer.vocab_size={vocab_size} is smaller than the bytes and special tokens of byte-level BPE "
            f"({smallest}); raise it to {smallest} or more"
        )
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=_MIN_FREQUENCY,
        show_progress=False,
        special_tokens=[AddedToken(token, special=True, lstrip=token == "<mask>") for token in _SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    if (size := tokenizer.get_vocab_size()) < vocab_size:
        raise InputError(
            f"tokenizer.vocab_size={vocab_size} is larger than the vocabulary that can be trained on this corpus "
            f"({size}); set tokenizer.vocab_size={size}, or give more text"
        )
    sep, cls = SPECIAL_TOKENS["sep_token"], SPECIAL_TOKENS["cls_token"]
    tokenizer.post_processor = processors.RobertaProcessing(
        (sep, _SPECIALS.index(sep)), (cls, _SPECIALS.index(cls)), trim_offsets=True, add_prefix_space=True
    )
    return tokenizer
