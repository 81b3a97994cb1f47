"""Tokenizers that meet are compared, and an encoder from elsewhere is tried, before anything is trained."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.encoder_directory import load_tokenizer_alone
from nsp_ablation.learning.engine.encoder_trial import try_encoder
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.text.tokenization.agreement import difference, sample_of
from nsp_ablation.text.tokenization.tokenizer import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    load_tokenizer,
    special_tokens,
    tokenizer_directory,
)

_ROLES = ("cls", "sep", "mask", "pad")
_NAMES = ("tokenizer.json", "AutoTokenizer")


def check_directory(directory: Path, field: str, name: str, texts: Iterable[str]) -> None:
    """Refuse a directory whose tokenizer.json and `AutoTokenizer` differ; `field=name` is what the user gave.

    Pre-training reads the one, fine-tuning and users of the export the other. `texts` are of a corpus. Raises
    InputError with both results, ForeignFileError where `transformers` cannot read it.
    """
    auto = load_tokenizer_alone(str(directory), field, name)
    found = difference(load_tokenizer(directory), auto.backend_tokenizer, sample_of(texts), _NAMES)
    if found is None and (directory / CONFIG_FILE).is_file():
        try:
            ours = special_tokens(directory)
        except InputError as error:
            raise InputError(f"{field}={name}: {error}") from error
        ids = {role: getattr(auto, f"{role}_token_id") for role in _ROLES}
        other = [role for role, token_id in ids.items() if token_id is not None and token_id != getattr(ours, role)]
        found = ", ".join(f"the {role} token is id {getattr(ours, role)} and {ids[role]}" for role in other) or None
    if found is None:
        return
    config = read_json(directory / CONFIG_FILE) if (directory / CONFIG_FILE).is_file() else {}
    declared = config.get("tokenizer_class", type(auto).__name__)
    raise InputError(
        f"{field}={name}: tokenizer.json and AutoTokenizer (tokenizer_class={declared}) differ: {found}; to keep "
        f'tokenizer.json set "tokenizer_class": "PreTrainedTokenizerFast" in {CONFIG_FILE}, to keep the other save it '
        "anew with AutoTokenizer.from_pretrained(...).save_pretrained(...)"
    )


def check_origin(init_from: str, stores: Stores) -> None:
    """Refuse a run whose tokenizer is not that of `model.init_from`; its stores need not be built for that."""
    stores.corpus.check_borders(stores.format_name)
    check_initial_weights(init_from, stores.vocabulary.make(), stores.corpus.training_texts())


def check_initial_weights(init_from: str, tokenizer: Path, texts: Iterable[str]) -> None:
    """Refuse weights to go on with whose tokenizer is not the run's, which lies in the directory `tokenizer`.

    `texts` are of the corpus. Raises InputError with both results.
    """
    origin = tokenizer_directory(init_from, "model.init_from")
    theirs = _any_tokenizer(origin, init_from)
    found = difference(load_tokenizer(tokenizer), theirs, sample_of(texts), ("this run", "that encoder"))
    if found is None and (origin / TOKENIZER_FILE).is_file():
        ids = [special_tokens(directory) for directory in (tokenizer, origin)]
        other = [role for role in _ROLES if getattr(ids[0], role) != getattr(ids[1], role)]
        shown = [f"{role}: {getattr(ids[0], role)} and {getattr(ids[1], role)}" for role in other]
        found = f"the special tokens have other ids ({', '.join(shown)})" if other else None
    if found is not None:
        raise InputError(
            f"model.init_from={init_from} has another tokenizer, so its embeddings are those of other tokens: {found}; "
            f"set tokenizer=pretrained tokenizer.path={init_from} and leave the other tokenizer keys out"
        )


def check_external(path: Path, name: str, max_length: int) -> None:
    """Refuse an encoder from elsewhere that fine-tuning cannot use, or that has two tokenizers; `name` is `encoder=`.

    Raises InputError or ForeignFileError, in one line.
    """
    if (path / TOKENIZER_FILE).is_file():
        check_directory(path, "encoder", name, ())
    try_encoder(str(path), max_length)


def _any_tokenizer(origin: Path, name: str) -> Any:
    if (origin / TOKENIZER_FILE).is_file():
        return load_tokenizer(origin)
    return load_tokenizer_alone(str(origin), "model.init_from", name).backend_tokenizer
