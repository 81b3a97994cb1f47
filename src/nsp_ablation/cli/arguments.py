"""The flags of the command line; everything else that is typed is `key=value`."""

import argparse
from typing import NoReturn

from nsp_ablation.config.problem import ConfigurationError

# (flags, what argparse is told): the flags of Hydra's own command line, and --explain with --markdown.
_FLAGS: tuple[tuple[tuple[str, ...], dict], ...] = (
    (("--help", "-h"), {"action": "store_true", "help": "this text"}),
    (
        ("--multirun", "-m"),
        {"action": "store_true", "help": "a sweep: every combination of the values a,b of each key"},
    ),
    (("--explain",), {"nargs": "+", "metavar": "KEY", "help": "what a key or a group means; `all` for every key"}),
    (("--markdown",), {"action": "store_true", "help": "--explain as a table for docs/settings.md"}),
    (("--cfg", "-c"), {"choices": ("job", "hydra", "all"), "help": "print the configuration and run nothing"}),
    (("--resolve",), {"action": "store_true", "help": "with --cfg: put values in place of ${...}"}),
    (("--package", "-p"), {"metavar": "KEY", "help": "with --cfg: print this part alone"}),
    (
        ("--config-dir", "-cd"),
        {"metavar": "DIR", "help": "a directory with options of one's own, as experiment/a.yaml"},
    ),
    (("--config-path", "-cp"), {"metavar": "DIR", "help": "a directory in place of conf/"}),
    (("--config-name", "-cn"), {"metavar": "NAME", "help": "a file in place of config.yaml"}),
    (("--run", "-r"), {"action": "store_true", "help": "one run, as without the flag"}),
    (
        ("--info", "-i"),
        {
            "nargs": "?",
            "const": "all",
            "choices": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
            "help": "what Hydra composes, and from where",
        },
    ),
    (("--shell-completion", "-sc"), {"action": "store_true", "help": "install=SHELL completes keys in a shell"}),
    (("--experimental-rerun",), {"metavar": "FILE", "help": "run a configuration that Hydra pickled"}),
    (("--hydra-help",), {"action": "store_true", "help": "Hydra's own help"}),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError([f"{message}; see --help"])


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse flags; what is no flag is in `overrides`. Raises ConfigurationError for an unknown flag."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    for names, settings in _FLAGS:
        parser.add_argument(*names, **settings)
    return parser.parse_args(arguments)


def is_hydras(arguments: argparse.Namespace) -> bool:
    """Whether Hydra itself answers, and nothing is checked or run."""
    shown = (arguments.hydra_help, arguments.cfg, arguments.info, arguments.shell_completion)
    return any(shown) or arguments.experimental_rerun is not None


def flags_help() -> list[tuple[str, str]]:
    """Return (flags, meaning) of each flag."""
    rows = []
    for names, settings in _FLAGS:
        value = settings.get("metavar") or "|".join(settings.get("choices", ()))
        rows.append((f"{', '.join(names)}{' ' if value else ''}{value}", settings["help"]))
    return rows
