"""The directory of an encoder from elsewhere."""

from pathlib import Path

from nsp_ablation.base.errors import InputError


def external_directory(name: str) -> Path:
    """Return the local directory of an encoder, fetched from the hub where it is a name."""
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise InputError(f"encoder={name} holds no config.json; name a Hugging Face model directory")
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
    except Exception as error:  # the hub's client raises a dozen unrelated types when it cannot reach its host
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"encoder={name} is not a directory, and the hub did not give it ({reason})") from error
