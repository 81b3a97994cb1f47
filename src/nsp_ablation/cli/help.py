"""`--help`: the groups with their options, what one changes most, and the flags."""

import textwrap
from dataclasses import fields

from nsp_ablation.cli.arguments import flags_help
from nsp_ablation.cli.explain import explanations
from nsp_ablation.cli.hydra_bridge import Composer
from nsp_ablation.cli.overrides import CHOICES_ALONE
from nsp_ablation.config.schema import Config

_WIDTH = 112
_HEAD = """\
RoBERTa's study of input formats and next sentence prediction (Liu et al. 2019, section 4).

  python run.py -m format=full,doc masking=dynamic     pre-trains, fine-tunes and compares two formats
  python run.py -m experiment=table2_formats           a planned study from experiments/
  python run.py stage=inspect format=doc               what a format feeds the model
  python run.py stage=cost model=base                  what a run would cost
  python run.py --explain format.attention masking     what settings mean"""
# What one changes most, in the order of the pipeline.
_FREQUENT = (
    *("stage", "seed", "objective", "budget", "max_length", "tokenizer.vocab_size", "batch.sequences"),
    *("pretraining.max_steps", "pretraining.learning_rate", "masking.copies", "finetuning.max_steps"),
    *("finetuning.num_epochs", "finetuning.seeds", "corpus.path", "encoder", "name", "paths.artifacts"),
    *("paths.results",),
)


def help_text(composer: Composer) -> str:
    """Return the text of --help."""
    settings = {each.key: each for each in explanations(composer)}
    frequent = [(f"{key}={settings[key].default}", settings[key].help) for key in _FREQUENT]
    parts = [
        _HEAD,
        "Groups (group=option; with -m, group=a,b runs each):\n" + _rows(_groups(composer), 14),
        "What one changes most (key=value, with its default):\n" + _rows(frequent, 34),
        "Flags:\n" + _rows(flags_help(), 34),
        "Every setting: python run.py --explain all, or docs/settings.md.",
    ]
    return "\n\n".join(parts)


def _groups(composer: Composer) -> list[tuple[str, str]]:
    about = {field.name: " ".join(str(field.metadata["help"]).split()) for field in fields(Config)} | CHOICES_ALONE
    rows = []
    for group in (name for name in about if name in composer.groups()):
        first = about[group].partition(". ")[0].rstrip(".")
        rows.append((group, f"{', '.join(composer.options(group))} -- {first}."))
    return rows


def _rows(rows: list[tuple[str, str]], width: int) -> str:
    lines = []
    for name, text in rows:
        indent = " " * (width + 2)
        start = f"  {name:<{width}}" if len(name) < width else f"  {name} "
        lines.append(textwrap.fill(text, _WIDTH, initial_indent=start, subsequent_indent=indent))
    return "\n".join(lines)
