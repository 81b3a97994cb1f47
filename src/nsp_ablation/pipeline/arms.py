"""The arms of a cell: a pre-trained encoder, the untrained one beside it, or an encoder from elsewhere."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.fingerprint import file_sha256, files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import condition, condition_name, science_settings
from nsp_ablation.pipeline.encoder_artifact import encoder_key, pretrain
from nsp_ablation.pipeline.initial_model import untrained, untrained_key
from nsp_ablation.pipeline.stores import prepare, store_key
from nsp_ablation.reporting.records.record import Condition, EncoderReference, PretrainingFacts
from nsp_ablation.text.store.token_store import TokenStore

# What an encoder has that saw no pre-training of ours.
_NO_PRETRAINING = ("name", "format", "objective", "masking", "copies", "budget", "updates")
_PRETRAINING_SCIENCE = ("format", "objective", "masking", "budget", "batch", "pretraining")


@dataclass(frozen=True)
class Arm:
    """An encoder to fine-tune, known before it exists: `directory()` makes it on first use.

    `science` pools its records, `encoder_name` names the encoder beyond doubt, `heldout()` gives the held-out
    documents in its own tokens (None where the corpus holds none out), `group` pools its runs on a dashboard.
    """

    kind: str
    group: str
    condition: Condition
    science: str
    pretraining_seed: int | None
    encoder_name: str
    directory: Callable[[], Path]
    heldout: Callable[[], TokenStore | None]

    def reference(self, artifacts: Path) -> EncoderReference:
        """Return the record's reference to the weights; relative to the artifacts where they lie there."""
        directory = self.directory()
        place = directory.relative_to(artifacts) if directory.is_relative_to(artifacts) else directory
        return EncoderReference(str(place), _weights_sha256(directory))

    def facts(self) -> PretrainingFacts | None:
        """Return what the encoder's pre-training did; None for an arm that had none of ours."""
        if self.kind != "trained":
            return None
        return PretrainingFacts(**read_json(self.directory() / "pretraining.json")["pretraining"])


def arms_of(config: Config) -> list[Arm]:
    """Return the cell's arms: the one it asks for and, with `finetuning.untrained_row`, the untrained encoder."""
    if config.encoder == "random":
        return [_random_arm(config)]
    if config.encoder is not None:
        return [_external_arm(config, config.encoder)]
    return [_trained_arm(config), *([_random_arm(config)] if config.finetuning.untrained_row else [])]


def _trained_arm(config: Config) -> Arm:
    science = fingerprint([science_settings(config), store_key(config)])
    return Arm(
        kind="trained",
        group=condition_name(config),
        condition=Condition(**condition(config)),
        science=science,
        pretraining_seed=config.seed,
        encoder_name=encoder_key(config),
        directory=_once(lambda: pretrain(config)),
        heldout=cache(lambda: _heldout(config)),
    )


def _once(make: Callable[[], Path]) -> Callable[[], Path]:
    """Call `make` once; where it refused, refuse each time: a training that diverged is not tried for every task."""
    made: list[Path | ValueError] = []

    def directory() -> Path:
        if not made:
            try:
                made.append(make())
            except ValueError as error:
                made.append(error)
        if isinstance(made[0], ValueError):
            raise made[0]
        return made[0]

    return directory


def _random_arm(config: Config) -> Arm:
    settings = {key: value for key, value in science_settings(config).items() if key not in _PRETRAINING_SCIENCE}
    return Arm(
        kind="random",
        group="random",
        condition=Condition(**condition(config) | dict.fromkeys([*_NO_PRETRAINING, "batch", "learning_rate"])),
        science=fingerprint(["untrained", settings, store_key(config)]),
        pretraining_seed=config.seed,
        encoder_name=untrained_key(config),
        directory=_once(lambda: untrained(config)),
        heldout=cache(lambda: _heldout(config)),
    )


def _external_arm(config: Config, encoder: str) -> Arm:
    directory = _external_directory(encoder)
    own_tokens = replace(config, tokenizer=replace(config.tokenizer, name="pretrained", path=str(directory)))
    facts = dict.fromkeys(asdict(Condition(**condition(config)))) | {
        "model": Path(encoder).name,
        "tokenizer": "pretrained",
        "max_length": config.max_length,
    }
    content = files_fingerprint(sorted(directory.glob("*.safetensors")) + sorted(directory.glob("*.json")))
    return Arm(
        kind="external",
        group="external",
        condition=Condition(**facts),
        science=fingerprint(["external", science_settings(config)["finetuning"], config.max_length, content]),
        pretraining_seed=None,
        encoder_name=encoder,
        directory=lambda: directory,
        heldout=cache(lambda: _heldout(own_tokens)),
    )


def _external_directory(encoder: str) -> Path:
    """Return the local directory of an encoder, fetched from the hub where it is a name."""
    if Path(encoder).is_dir():
        if not (Path(encoder) / "config.json").is_file():
            raise ValueError(f"encoder={encoder} holds no config.json; name a Hugging Face model directory")
        return Path(encoder)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(encoder, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
    except Exception as error:  # the hub's client raises a dozen unrelated types when it cannot reach its host
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"encoder={encoder} is no directory, and the hub did not give it ({reason})") from error


def _heldout(config: Config) -> TokenStore | None:
    heldout = prepare(config).heldout
    return TokenStore.open(heldout) if heldout is not None else None


@cache
def _weights_sha256(directory: Path) -> str:
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        raise ValueError(f"encoder={directory} holds no *.safetensors; save it with save_pretrained")
    return file_sha256(weights[0]) if len(weights) == 1 else fingerprint([file_sha256(path) for path in weights])
