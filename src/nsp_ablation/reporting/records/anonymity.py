"""What names a person or a machine, taken out of texts: absolute paths, names of user and host, credentials in URLs.

A path is shown relative to a root that it lies in (paths.artifacts, paths.results, the checkout, the working
directory), any other by its last part.
"""

import getpass
import re
import shlex
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).parents[4]
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+@")
_ENDS = r"\s'\"`,;:()\[\]{}<>|="
# An absolute path of two parts or more, one below a home directory, one that leads up; "//" after ":" is a URL's.
_PATH = re.compile(
    rf"(?<![\w.~/-])(?!(?<=:)//)(?:~[^/{_ENDS}]*|\.\.|(?=/+[^/{_ENDS}]+/))(?:/+[^/{_ENDS}]+)+/?",
)
# Names that a thousand machines have: they name nobody, and are words.
_EVERYBODYS = {"root", "user", "admin", "ubuntu", "runner", "nobody", "docker", "jovyan", "localhost"}
_PRIVATE_SETTINGS = {"logger.entity": "[user]"}
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SUSPECT = re.compile(r"[/@\\~]|\.\.")


@dataclass(frozen=True)
class Places:
    """`roots`: absolute paths and how they are shown, the longest first. `names`: words and what stands for them."""

    roots: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]

    def with_paths(self, values: Iterable[Any]) -> "Places":
        """Return places that know the absolute paths among `values`, too, whatever characters they have."""
        texts = [value.rstrip("/") for value in values if isinstance(value, str) and value[:1] in ("/", "~")]
        roots = {text: _last(text) for text in texts if len(text) > 1} | dict(self.roots)
        return Places(_longest_first(roots), self.names)

    def text(self, text: str) -> str:
        """Return a free text without what names a person or a machine."""
        text = self._known(_CREDENTIALS.sub("", text.replace("file://", "")))
        text = _PATH.sub(lambda found: _last(found[0]), text)
        for name, stands in self.names:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stands, text)
        return text

    def value(self, value: str) -> str:
        """Return the value of a setting: one that may be a path, of whatever characters, or another, which stays."""
        if not _SUSPECT.search(value):
            return value
        if value[:1] in ("/", "~") and "," not in value:
            known = self._known(value)
            value = _last(known) if known[:1] in ("/", "~") else known
        return self.text(value)

    def override(self, word: str) -> str:
        """Return a word of a command line, `key=value` or another."""
        key, is_set, value = word.partition("=")
        if not is_set:
            return self.value(word)
        if key.lstrip("+~") in _PRIVATE_SETTINGS:
            return f"{key}={_PRIVATE_SETTINGS[key.lstrip('+~')]}"
        quote = value[0] if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1 else ""
        return f"{key}={quote}{self.value(value[1:-1] if quote else value)}{quote}"

    def command(self, command: str) -> str:
        """Return a command as it was typed in a shell."""
        try:
            words = shlex.split(command)
        except ValueError:  # a quotation that does not end
            return self.text(command)
        shown = [self.override(word) for word in words]
        return command if shown == words else shlex.join(shown)

    def _known(self, text: str) -> str:
        for root, shown in self.roots:
            if root in text:
                below, itself = ("" if shown == "." else f"{shown}/").replace("\\", r"\\"), shown.replace("\\", r"\\")
                text = re.sub(rf"(?<![\w.~/-]){re.escape(root)}/+(?=\S)", below, text)
                text = re.sub(rf"(?<![\w.~/-]){re.escape(root)}(?![\w/.-])", itself, text)
        return text


def places_of(config: Mapping[str, Any]) -> Places:
    """Return what names this machine and its user, with the roots and paths of a configuration (which may be empty)."""
    roots: dict[str, str] = {}
    for shown, find in (("~", Path.home), (".", lambda: _CHECKOUT), (".", Path.cwd)):
        with suppress(OSError, RuntimeError):  # no home, no working directory
            roots |= dict.fromkeys(_forms(find()), shown)
    for name in ("artifacts", "results"):
        if path := (config.get("paths") or {}).get(name):
            roots |= dict.fromkeys(_forms(Path(path)), name)
    names = {name: stands for stands, name in own_names().items() if len(name) > 2 and name not in _EVERYBODYS}
    return Places(_longest_first(roots), tuple(names.items())).with_paths(value for _, value in _leaves(config))


def own_names() -> dict[str, str]:
    """Return this machine's name and its user's, by what stands for them."""
    found = {"[host]": socket.gethostname()}
    with suppress(OSError, KeyError):  # a user without an entry
        found["[user]"] = getpass.getuser()
    return found


def printable(data: Any) -> Any:
    """Return JSON values without characters that steer a terminal, or the direction of text; objects' keys stay."""
    found = {path: _STEERING.sub("\ufffd", value) for path, value in _leaves(data) if isinstance(value, str)}
    changed = {path: value for path, value in found.items() if "\ufffd" in value}
    return _with(data, changed) if changed else data


def public_values(data: Any, places: Places) -> Any:
    """Return JSON values as they may be shown; of objects the keys stay. Values under `reason` are free texts."""
    hidden = dict(_hidden(data, places))
    return _with(data, hidden) if hidden else data


def hidden_values(data: Any, places: Places) -> dict[str, Any]:
    """Return the values that `public_values` changes, as they are, by their path in `data`."""
    found = dict(_leaves(data))
    return {path: found[path] for path, _ in _hidden(data, places)}


def with_values(data: Any, values: Mapping[str, Any]) -> Any:
    """Return JSON values with those of `hidden_values` put back."""
    return _with(data, values)


def _hidden(data: Any, places: Places) -> Iterator[tuple[str, Any]]:
    for path, value in _leaves(data):
        if isinstance(value, str):
            key = next((key for key in _PRIVATE_SETTINGS if path.endswith(key.replace(".", "/"))), None)
            is_free = path.rsplit("/", 1)[-1] == "reason" or "/omitted/" in path
            shown = _PRIVATE_SETTINGS[key] if key else (places.text if is_free else places.value)(value)
            if shown != value:
                yield path, shown


def _with(data: Any, values: Mapping[str, Any], path: str = "") -> Any:
    if isinstance(data, Mapping):
        return {name: _with(value, values, f"{path}/{name}") for name, value in data.items()}
    if isinstance(data, list):
        return [_with(value, values, f"{path}/{number}") for number, value in enumerate(data)]
    return values.get(path, data)


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of every value that is no list or object: `/config/corpus/path`."""
    if isinstance(data, Mapping | list):
        for name, value in data.items() if isinstance(data, Mapping) else enumerate(data):
            yield from _leaves(value, f"{path}/{name}")
    else:
        yield path, data


def _longest_first(roots: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(((root, shown) for root, shown in roots.items() if len(root) > 1), key=lambda one: -len(one[0]))
    )


def _forms(path: Path) -> list[str]:
    """Return a path as it is and with its links followed."""
    return [str(path.absolute()), str(path.resolve())]


def _last(path: str) -> str:
    return Path(path).name or path
