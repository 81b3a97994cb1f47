"""A problem of a configuration, told in one line: the field, its value, what is wrong, what is allowed."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nsp_ablation.base.errors import InputError, redacted

_MAX_LINES = 2
_MOVED = {"trainer.num_threads": "model.num_threads"}  # settings of older versions
_MAX_SHOWN = 160  # characters of a value; a line with a longer one hides what is wrong with it


@dataclass(frozen=True)
class Problem:
    """A refused value, `...` where there is none. `allowed` are the names that would pass, if `reason` names none."""

    field: str
    value: Any
    reason: str
    allowed: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the whole problem as one line."""
        text = f"{self.field}: " if self.value is ... else f"{self.field}={shown(self.value)}: "
        text += self.reason
        if self.allowed:
            text += f"{'' if text.endswith('?') else ';'} allowed: {', '.join(self.allowed)}"
        return " ".join(text.split())


class ConfigurationError(InputError):
    """A configuration that is refused; `lines` holds one line per problem."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = [redacted(_one_line(line)) for line in lines]


def _one_line(text: str) -> str:
    """Return a text as one line that any terminal shows: what cannot be printed is written as an escape."""
    shown = " ".join(text.split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shown)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise ConfigurationError with the first problem of each field, in two lines; return where there is none."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.field, problem)
    lines = [problem.line() for problem in first.values()]
    if len(lines) > _MAX_LINES:
        others = list(first)[_MAX_LINES - 1 :]
        lines = [*lines[: _MAX_LINES - 1], f"and {len(others)} more are refused: {shown(', '.join(others))}"]
    if lines:
        raise ConfigurationError(lines)


def unknown_key(
    path: str, value: Any, allowed: tuple[str, ...], position: int = -1, nested: Iterable[str] = ()
) -> Problem:
    """Return the problem of a key whose part at `position` the schema lacks; `allowed` are the keys it has there.

    `nested` are keys one group further down, of which one may be meant.
    """
    if path in _MOVED:
        return Problem(path, value, f"is a setting of the model now; set {_MOVED[path]}={shown(value)}")
    hint = suggestion(path.split(".")[position], (*allowed, *nested))
    return Problem(path, value, f"no such setting{hint}", allowed)


def unknown_value(field: str, value: str, allowed: tuple[str, ...], what: str = "value") -> Problem:
    """Return the problem of a name that is none of `allowed`, with the one that it looks like."""
    return Problem(field, value, f"no such {what}{suggestion(value, allowed)}", allowed)


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Return `; did you mean X?` for the allowed name that looks like `name`, nothing where none does."""
    near = difflib.get_close_matches(name, list(allowed), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def shown(value: Any) -> str:
    """Return a value as one types it on the command line, a long one shortened."""
    text = _typed(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN // 2]}...{text[-_MAX_SHOWN // 4 :]}"


def _typed(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(_typed(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_typed(item)}' for key, item in value.items())}}}"
    return str(value)
