"""The one place where encoders of others are loaded: whatever a library raises becomes one line with file and remedy.

No code of others runs: weights are safetensors (older files are pickles, which may hold code), and code that lies
beside them is never run, nor asked about.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from nsp_ablation.base.errors import ForeignFileError, InputError
from nsp_ablation.learning.engine.foreign_files import check_json_files, find_misfit, read_object, read_shapes
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.options.format_options import FORMATS

_FACTS = "pretraining.json"
# What decides a forward pass and stands in no weight's shape, by the name in config.json.
_SHAPELESS = ("num_attention_heads", "hidden_act", "layer_norm_eps", "position_embedding_type", "is_decoder")
_MAX_SAID = 240  # characters of a library


def load_foreign(auto_class: Any, directory: str, field: str = "encoder", **options: Any) -> Any:
    """Return a configuration or tokenizer of an encoder, a directory or a name on the hub; `field` is the setting.

    Raises ForeignFileError naming the file, or what the library said, with a remedy.
    """
    local = Path(directory).is_dir()
    with foreign_errors(directory, field), quiet_transformers():
        if local:
            check_json_files(Path(directory))
        return auto_class.from_pretrained(directory, local_files_only=local, trust_remote_code=False, **options)


def load_weights(
    model_class: Any, directory: str, field: str = "encoder", config: Any = None
) -> tuple[Any, dict[str, Any]]:
    """Return a model in float32 with its weights, all of them finite, and what `output_loading_info` tells.

    `config` None is that of the directory. Raises ForeignFileError as `load_foreign` does, InputError where the weights
    are of other sizes than a `config` that is given, or were trained in another forward pass than its.
    """
    options: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, "output_loading_info": True}
    told = load_foreign(AutoConfig, directory, field) if config is None else config
    if Path(directory).is_dir():
        with foreign_errors(directory, field):
            misfit = find_misfit(told, read_shapes(Path(directory)))
            if misfit is not None and config is None:
                raise ForeignFileError(f"config.json and the weights differ: {misfit}; fetch or save both again")
        if misfit is not None:
            raise InputError(f"{field}={directory} does not fit this model: {misfit}; set model and tokenizer to match")
    if config is not None:
        _refuse_another_forward(config, load_foreign(AutoConfig, directory, field), f"{field}={directory}")
    model, info = load_foreign(model_class, directory, field, config=told, **options)
    for name, weight in model.state_dict().items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise ForeignFileError(
                f"{field}={directory}: its weight {name} is not finite (NaN or infinity): the encoder diverged, or its "
                "file is damaged; use another"
            )
    return model, info


def _refuse_another_forward(config: Any, theirs: Any, what: str) -> None:
    """Raise InputError where weights fit a model and mean something else in it."""
    for name in _SHAPELESS:
        ours, other = getattr(config, name, None), getattr(theirs, name, None)
        if None not in (ours, other) and ours != other:
            remedy = f"set model.num_heads={other}" if name == "num_attention_heads" else "use another encoder"
            raise InputError(f"{what} has {name}={other}, this model {ours}; {remedy}")


def pretraining_facts(directory: str) -> dict[str, Any] | None:
    """Return the facts that an encoder of ours has beside its weights, None for any other.

    Raises ForeignFileError where the file is not what an export writes.
    """
    path = Path(directory) / _FACTS
    if not path.exists():
        return None
    place, remedy = f"encoder={directory}: {_FACTS}", f"delete {path}, and the encoder is read as one of others"
    try:
        facts = read_object(path)
    except ForeignFileError as error:
        raise ForeignFileError(f"encoder={directory}: {error}; or {remedy}") from error
    found = facts.get("condition", {})
    name = found.get("format") if isinstance(found, dict) else found
    if not isinstance(found, dict) or not (name is None or name in FORMATS):
        raise ForeignFileError(f"{place}: condition={str(found)[:80]!r} names no format of this program; {remedy}")
    if (separator := facts.get("pair_separator")) not in (None, "single", "double"):
        raise ForeignFileError(f"{place}: pair_separator={separator!r}, expected single or double; {remedy}")
    return facts


@contextmanager
def foreign_errors(directory: str, field: str) -> Iterator[None]:
    """Turn every exception of the libraries into a ForeignFileError that names setting, directory and remedy."""
    local = Path(directory).is_dir()
    source = "that directory" if local else "the hub (and there is no such directory)"
    try:
        yield
    except Exception as error:  # transformers, tokenizers and safetensors share no class of errors
        reason = str(error)
        if not isinstance(error, ForeignFileError):
            said = f"{type(error).__name__}: {' '.join(reason.split())}"[:_MAX_SAID]
            reason = f"{said}; " + ("fetch or save it again" if local else "fetch it, and name its directory")
        raise ForeignFileError(f"{field}={directory} cannot be loaded from {source}: {reason}") from error
