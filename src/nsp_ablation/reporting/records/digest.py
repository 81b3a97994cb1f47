"""Digests: a JSON file of ours that holds a SHA-256 over itself, so that bytes changed by hand are never a result."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import DamageError

FIELD = "digest"
REMEDY = "delete the file, and the command of its sweep runs the cell anew"


def digest_of(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values without their own digest, as canonical JSON (sorted keys, ASCII, no spaces)."""
    rest = {name: value for name, value in data.items() if name != FIELD}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_digest(data: Mapping[str, Any], source: Path | str, remedy: str = REMEDY) -> None:
    """Raise DamageError naming `source` where JSON values are not those that were written with their digest."""
    if data.get(FIELD) != digest_of(data):
        raise DamageError(f"{source} is not what was written (its digest is another); {remedy}")


def write_sealed(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON values with their digest."""
    write_json(path, {**data, FIELD: digest_of(data)})


def read_sealed(path: Path, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the JSON values that `write_sealed` wrote, without the digest. Raises DamageError naming the file."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise DamageError(f"{path} must be an object, not {type(data).__name__}; {remedy}")
    check_digest(data, path, remedy)
    return {name: value for name, value in data.items() if name != FIELD}
