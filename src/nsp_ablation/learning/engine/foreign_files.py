"""What the files of an encoder of others must hold before a library reads them: checked by their first bytes and sizes.

The libraries end in their own words on such files (or in none: absurd sizes take all memory). No check reads weights.
Errors name the file within its directory; who loads it adds the directory.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import ForeignFileError

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
_ALSO_READ = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json")
_MAX_JSON_BYTES = 64 << 20  # XLM-R's tokenizer.json, of 250,000 pieces, has 17 MB
_MAX_HEADER_BYTES = 100_000_000  # of safetensors itself
_TOKENIZERS = ("BPE", "WordPiece", "Unigram", "WordLevel")
_SIZES = {  # upper bounds far above every encoder that was published
    "hidden_size": 1 << 16,
    "intermediate_size": 1 << 20,
    "num_hidden_layers": 1 << 10,
    "num_attention_heads": 1 << 10,
    "vocab_size": 1 << 24,
    "max_position_embeddings": 1 << 24,
    "type_vocab_size": 1 << 10,
}
_SHARES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "layer_norm_eps")
_FLOATS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}
_BYTES = _FLOATS | {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4, "I64": 8, "U64": 8}

Shapes = dict[str, tuple[int, ...]]


def check_json_files(directory: Path) -> None:
    """Raise ForeignFileError naming a JSON file of an encoder that is none, or does not hold what it must."""
    if not (directory / CONFIG).is_file():
        raise ForeignFileError(f"it holds no {CONFIG}; name a Hugging Face model directory")
    _check_config(directory / CONFIG, read_object(directory / CONFIG))
    for name in _ALSO_READ:
        if (directory / name).exists():
            read_object(directory / name)
    if (path := directory / TOKENIZER).exists():
        model = read_object(path).get("model")
        kind = model.get("type") if isinstance(model, dict) else None
        if not isinstance(model, dict) or (kind is not None and kind not in _TOKENIZERS):
            raise _refusal(path, f"its model is of type {kind!r}, expected one of {', '.join(_TOKENIZERS)}")


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file of others. Raises ForeignFileError naming it where it holds none."""
    try:
        if (num_bytes := path.stat().st_size) > _MAX_JSON_BYTES:
            raise _refusal(path, f"it has {num_bytes} bytes, expected at most {_MAX_JSON_BYTES}")
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refusal(path, f"it cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(path, f"it is not JSON ({' '.join(str(error).split())})") from error
    if not isinstance(found, dict):
        raise _refusal(path, f"it holds a JSON {type(found).__name__}, expected an object")
    return found


def read_shapes(directory: Path) -> Shapes:
    """Return the shape of every weight, from the headers of the safetensors files.

    Raises ForeignFileError naming a file that is missing, cut, or does not hold what its header says, and for weights
    that are not floating-point numbers.
    """
    shapes: Shapes = {}
    for path in _weight_files(directory):
        shapes |= _header_shapes(path)
    return shapes


def find_misfit(config: Any, shapes: Shapes) -> str | None:
    """Return how the weights are of other sizes than a configuration, None where they are not."""
    for name, shape in shapes.items():
        if name.endswith("embeddings.word_embeddings.weight"):
            width = getattr(config, "embedding_size", None) or getattr(config, "hidden_size", None)
            expected = (getattr(config, "vocab_size", None), width)
            if None not in expected and shape != expected:
                return f"vocab_size and hidden_size are {list(expected)}, but {name} has the shape {list(shape)}"
    layers = {int(found[1]) for name in shapes if (found := re.search(r"encoder\.layer\.(\d+)\.", name))}
    told = getattr(config, "num_hidden_layers", None)
    if layers and told is not None and len(layers) != told:
        return f"num_hidden_layers is {told}, but there are weights of {len(layers)} layers"
    return None


def _refusal(path: Path, reason: str) -> ForeignFileError:
    return ForeignFileError(f"{path.name} is not what transformers saves: {reason}; fetch or save it again")


def _check_config(path: Path, config: Mapping[str, Any]) -> None:
    for name, most in _SIZES.items():
        value = config.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise _refusal(path, f"{name}={value!r}, expected a whole number up to {most}")
    for name in _SHARES:
        value = config.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise _refusal(path, f"{name}={value!r}, expected a number from 0 to 1")
    if not isinstance(kind := config.get("model_type", ""), str):
        raise _refusal(path, f"model_type={kind!r}, expected a name")
    pad, size = config.get("pad_token_id"), config.get("vocab_size")
    if pad is not None and (not isinstance(pad, int) or not 0 <= pad < (size or 1 << 24)):
        raise _refusal(path, f"pad_token_id={pad!r}, expected an id of the vocabulary (vocab_size={size})")


def _weight_files(directory: Path) -> list[Path]:
    if (directory / WEIGHTS).exists():
        return [directory / WEIGHTS]
    index = directory / INDEX
    if not index.exists():
        pickles = sorted(path.name for path in directory.glob("*.bin"))
        raise ForeignFileError(
            f"it holds no {WEIGHTS}"
            + (f", but {pickles[0]}, a pickle, which may hold code and is never read" if pickles else "")
            + "; save it by AutoModelForMaskedLM.from_pretrained(...).save_pretrained(...) of transformers"
        )
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise _refusal(index, "it has no weight_map")
    for name in names.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise _refusal(index, f"it names {name!r}, expected a .safetensors file beside it")
        if not (directory / name).is_file():
            raise _refusal(index, f"it names {name}, which is not there")
    return [directory / name for name in sorted(set(names.values()))]


def _header_shapes(path: Path) -> Shapes:
    try:
        num_bytes = path.stat().st_size
        with open(path, "rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
            if num_bytes < 8 or header_bytes > min(num_bytes - 8, _MAX_HEADER_BYTES):
                raise _refusal(path, f"its header should have {header_bytes} bytes, the file has {num_bytes}")
            header = json.loads(file.read(header_bytes))
    except OSError as error:
        raise _refusal(path, f"it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, ForeignFileError):
            raise
        raise _refusal(path, f"its header is not JSON ({' '.join(str(error).split())[:80]})") from error
    tensors = dict(header) if isinstance(header, dict) else {}
    tensors.pop("__metadata__", None)
    if not tensors:
        raise _refusal(path, "its header names no tensor")
    shapes, end = {}, 0
    for name, entry in sorted(tensors.items(), key=_start_of):
        shapes[name], end = _shape_of(path, name, entry, end)
    if end != num_bytes - 8 - header_bytes:
        raise _refusal(path, f"its tensors have {end} bytes, the file {num_bytes - 8 - header_bytes} after its header")
    return shapes


def _start_of(item: tuple[str, Any]) -> float:
    try:
        return float(item[1]["data_offsets"][0])
    except (TypeError, KeyError, IndexError, ValueError):
        return math.inf


def _shape_of(path: Path, name: str, entry: Any, start: int) -> tuple[tuple[int, ...], int]:
    """Return a tensor's shape and the end of its bytes, which begin at `start`."""
    try:
        kind, shape, offsets = entry["dtype"], tuple(entry["shape"]), tuple(entry["data_offsets"])
        is_sound = all(isinstance(size, int) and size >= 0 for size in shape)
        is_sound = is_sound and offsets == (start, start + math.prod(shape) * _BYTES[kind])
    except (TypeError, KeyError) as error:
        raise _refusal(path, f"its entry of {name} is {str(entry)[:80]!r}") from error
    if not is_sound:
        raise _refusal(path, f"its entry of {name} is {str(entry)[:80]!r}, and its bytes begin at {start}")
    if name.endswith((".weight", ".bias")) and kind not in _FLOATS:
        raise _refusal(path, f"{name} holds {kind}, expected one of {', '.join(_FLOATS)}")
    return shape, offsets[1]
