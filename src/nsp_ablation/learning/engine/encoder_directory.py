"""An encoder as `transformers` saves it, ours or anyone's: its layout of special tokens, tokenizer and weights."""

from typing import Any

from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import MIN_MAX_LENGTH, InputLayout
from nsp_ablation.learning.engine.encoder_layout import (
    foreign_pair_layout,
    num_token_types,
    pair_layout,
    positions,
)
from nsp_ablation.learning.engine.foreign_encoder import foreign_errors, load_foreign, load_weights, pretraining_facts
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.options.model_options import ARCHITECTURES

_NEEDED = ("hidden_size", "hidden_dropout_prob", "initializer_range")  # of a configuration, by the heads of tasks


def read_layout(directory: str, max_length: int, token_types: str) -> InputLayout:
    """Return the layout that suits the encoder in `directory` (or on the hub).

    `max_length` is cut to the encoder's positions (fidelity row 23). Separators and, under
    `token_types="as_pretrained"`, token types are those of its pre-training (rows 6, 25), told by `pretraining.json`
    beside the weights. Without that file the tokenizer's own pair layout is taken, and without a format the token
    types of its architecture.
    `token_types="bert"` gives B type 1 always.
    Raises InputError where the encoder cannot do that or has no [CLS], [SEP], [MASK] or [PAD].
    """
    config, tokenizer = load_foreign(AutoConfig, directory), load_foreign(AutoTokenizer, directory)
    ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("cls", "sep", "mask", "pad")}
    missing = [name for name, id in ids.items() if id is None]
    if missing:
        raise InputError(f"encoder={directory}: its tokenizer has no {', '.join(missing)} token; fine-tuning needs it")
    with foreign_errors(directory, "encoder"):
        first_position, num_positions = positions(config)
    if first_position not in (0, ids["pad"] + 1):  # positions count the tokens that are not padding
        raise InputError(
            f"encoder={directory}: pad is {ids['pad']} in the tokenizer, {first_position - 1} in the position table"
        )
    if num_positions < MIN_MAX_LENGTH:
        raise InputError(f"encoder={directory}: its position table holds {num_positions} tokens; fetch it again")
    facts = pretraining_facts(directory)
    pair = foreign_pair_layout(tokenizer, config) if facts is None else pair_layout(facts, config)
    if token_types == "bert" and num_token_types(config) < 2:
        raise InputError(f"finetuning.token_types=bert needs 2 token types, encoder={directory} has 1")
    assert token_types in ("bert", "as_pretrained"), token_types
    return InputLayout(
        max_length=min(max_length, num_positions),
        pair_separators=pair[0],
        second_type=1 if token_types == "bert" else pair[1],
        **ids,
    )


def load_tokenizer(directory: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer; its `backend_tokenizer` neither truncates nor pads nor reads special tokens in text
    ("[SEP]" in a passage stays text). Raises InputError where it is not a fast one."""
    return _plain(load_foreign(AutoTokenizer, directory), f"encoder={directory}")


def load_tokenizer_alone(directory: str, field: str, name: str) -> PreTrainedTokenizerFast:
    """Return `load_tokenizer` of a local directory that need not hold an encoder; `field=name` is what the user gave.

    Raises InputError where it is not a fast one, ForeignFileError where `transformers` cannot load it.
    """
    with foreign_errors(name, field), quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    return _plain(tokenizer, f"{field}={name}")


def _plain(tokenizer: Any, named: str) -> PreTrainedTokenizerFast:
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise InputError(f"{named} has no fast tokenizer (tokenizer.json); save it with one")
    return _as_plain_text(tokenizer)


def wrap_tokenizer(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Return a tokenizer of ours, of which there is no encoder yet, as `load_tokenizer` returns an encoder's."""
    return _as_plain_text(PreTrainedTokenizerFast(tokenizer_object=tokenizer))


def _as_plain_text(tokenizer: Any) -> PreTrainedTokenizerFast:
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    found: PreTrainedTokenizerFast = tokenizer
    return found


def load_encoder(directory: str, pooler: str) -> PreTrainedModel:
    """Return the encoder in float32; with `pooler="pretrained"` its own pooler too, else none.

    Raises InputError where weights are missing from the directory, the pooler's among them.
    """
    encoder, info = load_weights(AutoModel, directory)
    if absent := [name for name in _NEEDED if not hasattr(encoder.config, name)]:
        raise InputError(
            f"encoder={directory} is a {encoder.config.model_type}, whose configuration has no {absent[0]}; take an "
            f"encoder like {', '.join(ARCHITECTURES)} (docs/data.md)"
        )
    if (kind := getattr(encoder.config, "position_embedding_type", None)) not in (None, "absolute"):
        raise InputError(
            f"encoder={directory} was trained with position_embedding_type={kind}, which `transformers` no longer "
            "reads; use another"
        )
    missing = set(info["missing_keys"])
    missing_pooler = {name for name in missing if name.startswith("pooler.")}
    if missing - missing_pooler:
        raise InputError(f"encoder={directory} lacks weights: {', '.join(sorted(missing - missing_pooler)[:3])} ...")
    if pooler == "fresh":
        encoder.pooler = None
    elif missing_pooler or getattr(encoder, "pooler", None) is None:
        raise InputError(
            f"finetuning.pooler=pretrained, but encoder={directory} has no pooler (MLM alone trains none); "
            "use finetuning.pooler=fresh"
        )
    return encoder


def load_masked_lm(directory: str) -> PreTrainedModel:
    """Return the encoder with its MLM head. Raises InputError where the head's weights are missing."""
    model, info = load_weights(AutoModelForMaskedLM, directory)
    if info["missing_keys"]:
        raise InputError(f"encoder={directory} has no MLM head: {', '.join(sorted(info['missing_keys'])[:3])} missing")
    return model
