"""How this program was started, for the commands that it prints: `python run.py` of a checkout, or `nsp-ablation`."""

import os
import shlex
import sys
from collections.abc import Iterable

INSTALLED = "nsp-ablation"  # the console script of a wheel


def typed_program() -> str:
    """Return the words before the settings of a command that starts this program anew."""
    return program_of(sys.argv[0])


def command_of(words: Iterable[str]) -> str:
    """Return the command that starts this program anew with such settings."""
    return f"{typed_program()} {shlex.join(words)}".rstrip()


def program_of(first: str) -> str:
    """Return the same of the first word of `sys.argv`, or of a command that was typed."""
    return INSTALLED if os.path.basename(first) == INSTALLED else "python run.py"


def typed_command(argv: list[str]) -> list[str]:
    """Return the words of the command whose `sys.argv` this is; a script of Python's is started by `python`."""
    first = ["python", argv[0]] if argv[0].endswith(".py") else [os.path.basename(argv[0])]
    return [*first, *argv[1:]]
