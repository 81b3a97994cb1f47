"""The weights of an encoder's directory, by their content."""

from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import file_sha256, fingerprint


def weights_sha256(directory: Path) -> str:
    """Return the SHA-256 of a directory's weights, of several files that of theirs. Raises InputError for none."""
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        raise InputError(f"encoder={directory} holds no *.safetensors; save it with save_pretrained")
    return file_sha256(weights[0]) if len(weights) == 1 else fingerprint([file_sha256(path) for path in weights])
