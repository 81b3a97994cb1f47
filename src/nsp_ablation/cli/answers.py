"""Flags that print something and run nothing; what is typed beside them is checked all the same."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nsp_ablation.base.errors import redacted
from nsp_ablation.cli.explain import explain, help_text
from nsp_ablation.cli.hydra_bridge import Composer, show
from nsp_ablation.cli.overrides import for_hydra
from nsp_ablation.cli.planned_cells import checked_overrides, translated
from nsp_ablation.cli.sweep_values import num_values
from nsp_ablation.config.problem import ConfigurationError, Problem, refuse

_SHELLS = ("bash", "zsh", "fish")
_COMPLETIONS = ("install", "uninstall", "query")


def answer(flag: str, arguments: Namespace, composer: Composer, root: Path) -> None:
    """Print what a flag asks for. Raises ConfigurationError for what is typed wrongly beside it."""
    if flag == "shell_completion":
        _complete(arguments, root)
        return
    words = [for_hydra(word) for word in arguments.overrides]
    typed = checked_overrides(composer, words, is_sweep=bool(arguments.multirun))
    if flag == "help":
        print(help_text(composer))
    elif flag == "explain":
        print(explain(arguments.explain, composer, arguments.markdown))
    elif flag == "hydra_help":
        show(["--hydra-help"], root)
    else:
        for each in typed:
            if num_values(each) > 1:
                shown = f"--{flag} shows one configuration; give one value"
                refuse([Problem(each.key_or_group, each.get_value_string(), shown)])
        with translated(composer.options):
            whole = composer.whole(words, is_sweep=False)
            if flag == "cfg":
                print(_configuration(whole, arguments), end="")
                return
        show([*_directories(arguments), "--info", arguments.info, *words], root)


def _configuration(whole: Any, arguments: Namespace) -> str:
    """Return a configuration as YAML: the job's, Hydra's own part or both, or one key of it."""
    OmegaConf.set_readonly(whole.hydra, False)
    shown = whole
    if arguments.cfg == "hydra":
        shown = OmegaConf.masked_copy(whole, ["hydra"])
    elif arguments.cfg == "job":
        shown = OmegaConf.masked_copy(whole, [key for key in whole if key != "hydra"])
    key = arguments.package if arguments.package != "_global_" else None
    part = shown if key is None else OmegaConf.select(shown, key)
    if part is None:
        raise ConfigurationError([f"--package {key}: no such key, or null"])
    if not OmegaConf.is_config(part):
        return redacted(f"{part}\n")
    if arguments.resolve:
        OmegaConf.resolve(part)
    head = "" if key is None else f"# @package {key}\n"
    return redacted(head + OmegaConf.to_yaml(part))


def _complete(arguments: Namespace, root: Path) -> None:
    """Print what a shell must be told for completion, or answer its query."""
    typed = [word.partition("=") for word in arguments.overrides]
    expected = f"--shell-completion: expected install=SHELL or uninstall=SHELL, SHELL one of {', '.join(_SHELLS)}"
    if len(typed) != 1 or typed[0][0] not in _COMPLETIONS or typed[0][2] not in _SHELLS:
        raise ConfigurationError([f"{expected}; got {' '.join(arguments.overrides) or 'nothing'}"])
    if typed[0][0] == "query" and "COMP_LINE" not in os.environ:
        raise ConfigurationError([f"{expected}; query is asked by the shell itself"])
    show([*_directories(arguments), "--shell-completion", *arguments.overrides], root)


def _directories(arguments: Namespace) -> list[str]:
    flags = ("config_dir", "config_path", "config_name")
    given = [(flag.replace("_", "-"), getattr(arguments, flag)) for flag in flags]
    return [f"--{flag}={value}" for flag, value in given if value is not None]
