"""`--explain KEY`: what a setting means, its default, what it may be, and what is made anew when it changes."""

from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin

from omegaconf import OmegaConf

from nsp_ablation.cli.hydra_bridge import Composer
from nsp_ablation.cli.overrides import CHOICES_ALONE
from nsp_ablation.config.invalidation import invalidated_artifacts
from nsp_ablation.config.problem import ConfigurationError, shown, suggestion
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import required, settings
from nsp_ablation.options.setting import REQUIRED

_TYPES = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
_KINDS = {
    "science": "changes the result",
    "machine": "changes the speed or the output alone",
    "identity": "says which run it is",
}


@dataclass(frozen=True)
class Explained:
    """One setting as it is explained; `keys` as `tree.settings` gives them."""

    keys: tuple[str, ...]
    help: str
    kind: str
    default: str
    allowed: str

    @property
    def key(self) -> str:
        """The key as one types it, with `<name>` for what users name and `[]` for an item of a list."""
        return ".".join(self.keys).replace(".[]", "[]")

    @property
    def invalidates(self) -> str:
        """The artifacts that are made anew when it changes."""
        return ", ".join(invalidated_artifacts(self.keys)) or "nothing"

    def text(self) -> str:
        """Return the explanation as lines for a terminal."""
        return (
            f"{self.key}\n  {self.help}\n  default {self.default}; {self.allowed}\n"
            f"  {self.kind}: {_KINDS[self.kind]}; made anew: {self.invalidates}"
        )


def explain(asked: list[str], composer: Composer, markdown: bool = False) -> str:
    """Return what settings and groups mean: `all`, a key, or the beginning of keys (`masking`, `tasks.mnli`).

    Raises ConfigurationError for a key that does not exist.
    """
    every = explanations(composer)
    if markdown:
        return settings_page(every)
    parts = []
    for key in asked:
        if key in CHOICES_ALONE:
            parts.append(f"{key}=\n  {CHOICES_ALONE[key]}\n  {_options(key, composer)}")
            continue
        found = [each for each in every if key == "all" or _is_meant(each.key, key)]
        if not found:
            names = [*(each.key for each in every), *composer.groups()]
            raise ConfigurationError([f"--explain {key}: no such setting or group{suggestion(key, names)}"])
        if options := _options(key, composer):
            parts.append(f"{key}=\n  {options}")
        parts += [each.text() for each in found]
    return "\n\n".join(parts)


def explanations(composer: Composer) -> list[Explained]:
    """Return every setting, in the order of the schema."""
    defaults = composer.compose(()).settings({})
    return [_explained(keys, field, annotation, defaults) for keys, field, annotation in settings()]


def settings_page(every: list[Explained]) -> str:
    """Return docs/settings.md: a table of settings per group."""
    about = {field.name: " ".join(str(field.metadata["help"]).split()) for field in fields(Config)}
    lines = [
        "# Settings",
        "",
        "Made by `python run.py --explain all --markdown > docs/settings.md` from `src/nsp_ablation/options/`; a test",
        "holds it equal. Defaults are those of `python run.py` without arguments. *Made anew*: the artifacts that a",
        "change makes again. `<name>` is a task, `[]` an item of a list.",
    ]
    group = None
    for each in every:
        head = each.key.partition(".")[0] if "." in each.key else ""
        if head != group:
            group = head
            lines += ["", f"## {head}" if head else "## The root", "", *([about[head], ""] if head else [])]
            lines += ["| Key | Meaning | Kind | Default | Values | Made anew |", "|---|---|---|---|---|---|"]
        cells = (f"`{each.key}`", each.help, each.kind, f"`{each.default}`", each.allowed, each.invalidates)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _explained(keys: tuple[str, ...], field: Field, annotation: Any, defaults: Any) -> Explained:
    metadata = field.metadata
    return Explained(
        keys=keys,
        help=" ".join(str(metadata["help"]).split()),
        kind=metadata["kind"],
        default=_default(keys, field, defaults),
        allowed=_allowed(annotation, metadata),
    )


def _default(keys: tuple[str, ...], field: Field, defaults: Any) -> str:
    """Return the value of a run without arguments; below what users name, the declared default."""
    if "<name>" not in keys and "[]" not in keys:
        value = OmegaConf.select(defaults, ".".join(keys))
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=True)
        return "{}" if value == {} else shown(value)
    if field.default is REQUIRED:
        return "none"
    value = field.default_factory() if callable(field.default_factory) else field.default
    return shown(value)


def _allowed(annotation: Any, metadata: Any) -> str:
    inner = required(annotation)
    is_list, is_dict = get_origin(inner) is list, get_origin(inner) is dict
    item = get_args(inner)[-1] if is_list or is_dict else inner
    if metadata.get("choices"):
        text = "one of " + ", ".join(metadata["choices"])
    else:
        text = _TYPES.get(item, "settings" if is_dataclass(item) else str(item))
        low, high = metadata.get("low"), metadata.get("high")
        if low is not None:
            text += f" from {low} to {high}" if high is not None else f", at least {low}"
    text = f"a list, each {text}" if is_list else f"by name, each {text}" if is_dict else text
    return f"{text}, or null" if inner is not annotation else text


def _is_meant(key: str, asked: str) -> bool:
    """Whether an asked key is a setting's, or one of the groups that it lies in; `<name>` stands for any name."""
    parts, wanted = key.replace("[]", "").split("."), asked.split(".")
    return len(wanted) <= len(parts) and all(
        part in (word, "<name>") for part, word in zip(parts[: len(wanted)], wanted, strict=True)
    )


def _options(group: str, composer: Composer) -> str:
    options = composer.options(group)
    return f"options: {', '.join(options)}" if options else ""
