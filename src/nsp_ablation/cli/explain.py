"""`--explain KEY`: what a setting means, its default, what it may be, and what is made anew when it changes.

`--help`: the groups with their options, what one changes most, and the flags.
"""

import textwrap
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin

from omegaconf import OmegaConf

from nsp_ablation.base.program_name import typed_program
from nsp_ablation.cli.arguments import flags_help
from nsp_ablation.cli.group_options import CHOICES_ALONE
from nsp_ablation.cli.hydra_bridge import Composer
from nsp_ablation.config.invalidation import invalidated_artifacts
from nsp_ablation.config.problem import ConfigurationError, shown, suggestion
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import required, settings
from nsp_ablation.config.values import TYPE_NAMES
from nsp_ablation.options.setting import REQUIRED

_KINDS = {
    "science": "changes the result",
    "machine": "changes the speed or the output alone",
    "identity": "says which run it is",
}
_WIDTH = 112
_HEAD = """\
RoBERTa's study of input formats and next sentence prediction (Liu et al. 2019, section 4).

  {program} -m format=full,doc masking=dynamic     pre-trains, fine-tunes and compares two formats
  {program} -m experiment=table2_formats           a planned study from experiments/
  {program} stage=inspect format=doc               what a format feeds the model
  {program} stage=cost model=base                  what a run would cost
  {program} --explain format.attention masking     what settings mean"""
# What one changes most, in the order of the pipeline.
_FREQUENT = (
    *("stage", "seed", "objective", "budget", "max_length", "tokenizer.vocab_size", "batch.sequences"),
    *("pretraining.max_steps", "pretraining.learning_rate", "masking.copies", "finetuning.max_steps"),
    *("finetuning.num_epochs", "finetuning.seeds", "corpus.path", "encoder", "name", "paths.artifacts"),
    *("paths.results",),
)
_PAGE_HEAD = """\
# Settings

Made by `python run.py --explain all --markdown > docs/settings.md` from `src/nsp_ablation/options/`; a test
holds it equal. Defaults are those of `python run.py` without arguments. *Made anew*: the artifacts that a
change makes again. `<name>` is a task, `[]` an item of a list."""


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
        return _settings_page(every)
    parts = []
    for key in asked:
        found = [each for each in every if key == "all" or _is_meant(each.keys, key)]
        if not found and key not in CHOICES_ALONE:
            names = [*(each.key for each in every), *composer.groups()]
            raise ConfigurationError([f"--explain {key}: no such setting or group{suggestion(key, names)}"])
        if options := composer.options(key):
            about = [CHOICES_ALONE[key]] if key in CHOICES_ALONE else []
            parts.append("\n  ".join([f"{key}=", *about, f"options: {', '.join(options)}"]))
        parts += [each.text() for each in found]
    return "\n\n".join(parts)


def help_text(composer: Composer) -> str:
    """Return the text of --help."""
    program = typed_program()
    every = {each.key: each for each in explanations(composer)}
    about = _group_help() | CHOICES_ALONE
    groups = [
        (name, f"{', '.join(composer.options(name))} -- {about[name].partition('. ')[0].rstrip('.')}.")
        for name in about
        if name in composer.groups()
    ]
    parts = [
        _HEAD.format(program=program),
        "Groups (group=option; with -m, group=a,b runs each):\n" + _rows(groups, 14),
        "What one changes most (key=value, with its default):\n"
        + _rows([(f"{key}={every[key].default}", every[key].help) for key in _FREQUENT], 34),
        "Flags:\n" + _rows(flags_help(), 34),
        f"Every setting: {program} --explain all, or docs/settings.md.",
    ]
    return "\n\n".join(parts)


def explanations(composer: Composer) -> list[Explained]:
    """Return every setting, in the order of the schema."""
    defaults = composer.compose(()).settings({})
    return [
        Explained(
            keys, _one_line(field), field.metadata["kind"], _default(keys, field, defaults), _allowed(type_, field)
        )
        for keys, field, type_ in settings()
    ]


def _settings_page(every: list[Explained]) -> str:
    """Return docs/settings.md: a table of settings per group."""
    lines = [_PAGE_HEAD]
    group = None
    for each in every:
        head = each.keys[0] if len(each.keys) > 1 else ""
        if head != group:
            group = head
            lines += ["", f"## {head}" if head else "## The root", "", *([_group_help()[head], ""] if head else [])]
            lines += ["| Key | Meaning | Kind | Default | Values | Made anew |", "|---|---|---|---|---|---|"]
        cells = (f"`{each.key}`", each.help, each.kind, f"`{each.default}`", each.allowed, each.invalidates)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _group_help() -> dict[str, str]:
    return {field.name: _one_line(field) for field in fields(Config)}


def _one_line(field: Field) -> str:
    return " ".join(str(field.metadata["help"]).split())


def _default(keys: tuple[str, ...], field: Field, defaults: Any) -> str:
    """Return the value of a run without arguments; below what users name, the declared default."""
    if "<name>" not in keys and "[]" not in keys:
        value = OmegaConf.select(defaults, ".".join(keys))
        return shown(OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value)
    if field.default is REQUIRED:
        return "none"
    return shown(field.default_factory() if callable(field.default_factory) else field.default)


def _allowed(annotation: Any, field: Field) -> str:
    inner = required(annotation)
    is_list, is_dict = get_origin(inner) is list, get_origin(inner) is dict
    item = get_args(inner)[-1] if is_list or is_dict else inner
    if choices := field.metadata["choices"]:
        text = "one of " + ", ".join(choices)
    else:
        text = TYPE_NAMES.get(item, "settings" if is_dataclass(item) else str(item))
        low, high = field.metadata["low"], field.metadata["high"]
        if low is not None:
            text += f" from {low} to {high}" if high is not None else f", at least {low}"
    text = f"a list, each {text}" if is_list else f"by name, each {text}" if is_dict else text
    return f"{text}, or null" if inner is not annotation else text


def _is_meant(keys: tuple[str, ...], asked: str) -> bool:
    """Whether an asked key is a setting's, or one of the groups that it lies in; `<name>` stands for any name."""
    parts, wanted = [key for key in keys if key != "[]"], asked.split(".")
    return len(wanted) <= len(parts) and all(
        part in (word, "<name>") for part, word in zip(parts, wanted, strict=False)
    )


def _rows(rows: list[tuple[str, str]], width: int) -> str:
    lines = []
    for name, text in rows:
        start = f"  {name:<{width}}" if len(name) < width else f"  {name} "
        lines.append(textwrap.fill(text, _WIDTH, initial_indent=start, subsequent_indent=" " * (width + 2)))
    return "\n".join(lines)
