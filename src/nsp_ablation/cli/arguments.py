"""The flags of the command line; everything else that is typed is `key=value`, before, between or after them."""

import argparse
from typing import NoReturn

from nsp_ablation.config.problem import ConfigurationError

_STATED = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
# (flags, what they mean, what else argparse is told): those of Hydra's own command line, and --explain with --markdown.
_FLAGS: tuple[tuple[str, str, dict], ...] = (
    ("--help -h", "this text", {}),
    ("--multirun -m", "a sweep: every combination of the values a,b of each key", {}),
    ("--explain", "what a key or a group means; `all` for every key", {"nargs": "+", "metavar": "KEY"}),
    ("--markdown", "with --explain: a table for docs/settings.md", {}),
    ("--cfg -c", "print the configuration and run nothing", {"choices": ("job", "hydra", "all")}),
    ("--resolve", "with --cfg: put values in place of ${...}", {}),
    ("--package -p", "with --cfg: print this part alone", {"metavar": "KEY"}),
    ("--config-dir -cd", "a directory with options of one's own, as experiment/a.yaml", {"metavar": "DIR"}),
    ("--config-path -cp", "a directory in place of conf/", {"metavar": "DIR"}),
    ("--config-name -cn", "a file in place of config.yaml", {"metavar": "NAME"}),
    ("--run -r", "one run, as without the flag", {}),
    ("--info -i", "what Hydra composes, and from where", {"nargs": "?", "const": "all", "choices": _STATED}),
    ("--shell-completion -sc", "with install=SHELL: complete keys in a shell", {}),
    ("--hydra-help", "Hydra's own help", {}),
)
_ANSWERS = ("help", "explain", "cfg", "info", "shell_completion", "hydra_help")  # flags that print, and run nothing
_BELONGS = {"markdown": "explain", "resolve": "cfg", "package": "cfg"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError([f"{message}; see --help"])


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse flags; what is no flag is in `overrides`.

    Raises ConfigurationError for an unknown flag, and for flags that do not go together.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    for names, _, settings in _FLAGS:
        parser.add_argument(*names.split(), **settings or {"action": "store_true"})
    parsed = parser.parse_intermixed_args(_with_whole_info(arguments))
    asked = answers(parsed)
    if len(asked) > 1:
        raise ConfigurationError([f"{_flag(asked[0])} and {_flag(asked[1])}: choose one of them"])
    if parsed.run and parsed.multirun:
        raise ConfigurationError(["--run and --multirun: choose one of them"])
    for flag, other in _BELONGS.items():
        if getattr(parsed, flag) and not getattr(parsed, other):
            raise ConfigurationError([f"{_flag(flag)}: belongs to {_flag(other)}, which is not given"])
    return parsed


def answers(arguments: argparse.Namespace) -> list[str]:
    """Return which flags were given that print something, and check and run nothing."""
    return [flag for flag in _ANSWERS if getattr(arguments, flag)]


def flags_help() -> list[tuple[str, str]]:
    """Return (flags, meaning) of each flag."""
    values = [settings.get("metavar") or "|".join(settings.get("choices", ())) for *_, settings in _FLAGS]
    rows = zip(_FLAGS, values, strict=True)
    return [(f"{names.replace(' ', ', ')} {value}".strip(), meaning) for (names, meaning, _), value in rows]


def _with_whole_info(arguments: list[str]) -> list[str]:
    """Return the arguments with `--info` as `--info all` where a setting follows it, which is none of its values."""
    following = zip(arguments, [*arguments[1:], ""], strict=False)
    return [part for word, after in following for part in ([word, "all"] if _is_bare_info(word, after) else [word])]


def _is_bare_info(word: str, after: str) -> bool:
    return word in ("--info", "-i") and "=" in after


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
