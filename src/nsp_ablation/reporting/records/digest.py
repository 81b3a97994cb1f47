"""Digests: a JSON file of ours that holds a SHA-256 over itself, so that bytes changed by hand are never a result."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import DamageError

FIELD = "digest"
REMEDY = "delete the file, and the same command runs its cell anew"


def digest_of(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values without their own digest, as canonical JSON (sorted keys, ASCII, no spaces)."""
    rest = {name: value for name, value in data.items() if name != FIELD}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_digest(data: Mapping[str, Any], source: Path | str, remedy: str = REMEDY) -> None:
    """Raise DamageError naming `source` where JSON values are not those that were written with their digest."""
    if data.get(FIELD) != digest_of(data):
        raise DamageError(f"{source} is not what was written (its digest is another); {remedy}")
