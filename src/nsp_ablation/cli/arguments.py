"""The flags of the command line; everything else that is typed is `key=value`."""

import argparse
from typing import NoReturn

from nsp_ablation.config.problem import ConfigurationError

_STATED = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
# (flags, what they mean, what else argparse is told): those of Hydra's own command line, and --explain with --markdown.
_FLAGS: tuple[tuple[str, str, dict], ...] = (
    ("--help -h", "this text", {}),
    ("--multirun -m", "a sweep: every combination of the values a,b of each key", {}),
    ("--explain", "what a key or a group means; `all` for every key", {"nargs": "+", "metavar": "KEY"}),
    ("--markdown", "--explain as a table for docs/settings.md", {}),
    ("--cfg -c", "print the configuration and run nothing", {"choices": ("job", "hydra", "all")}),
    ("--resolve", "with --cfg: put values in place of ${...}", {}),
    ("--package -p", "with --cfg: print this part alone", {"metavar": "KEY"}),
    ("--config-dir -cd", "a directory with options of one's own, as experiment/a.yaml", {"metavar": "DIR"}),
    ("--config-path -cp", "a directory in place of conf/", {"metavar": "DIR"}),
    ("--config-name -cn", "a file in place of config.yaml", {"metavar": "NAME"}),
    ("--run -r", "one run, as without the flag", {}),
    ("--info -i", "what Hydra composes, and from where", {"nargs": "?", "const": "all", "choices": _STATED}),
    ("--shell-completion -sc", "install=SHELL completes keys in a shell", {}),
    ("--experimental-rerun", "run a configuration that Hydra pickled", {"metavar": "FILE"}),
    ("--hydra-help", "Hydra's own help", {}),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError([f"{message}; see --help"])


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse flags; what is no flag is in `overrides`. Raises ConfigurationError for an unknown flag."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    for names, _, settings in _FLAGS:
        parser.add_argument(*names.split(), **settings or {"action": "store_true"})
    return parser.parse_args(arguments)


def is_hydras(arguments: argparse.Namespace) -> bool:
    """Whether Hydra itself answers, and nothing is checked or run."""
    shown = (arguments.hydra_help, arguments.cfg, arguments.info, arguments.shell_completion)
    return any(shown) or arguments.experimental_rerun is not None


def flags_help() -> list[tuple[str, str]]:
    """Return (flags, meaning) of each flag."""
    values = [settings.get("metavar") or "|".join(settings.get("choices", ())) for *_, settings in _FLAGS]
    rows = zip(_FLAGS, values, strict=True)
    return [(f"{names.replace(' ', ', ')} {value}".strip(), meaning) for (names, meaning, _), value in rows]
