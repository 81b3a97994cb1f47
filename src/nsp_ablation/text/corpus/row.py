"""A row of a JSON-lines or parquet file: the text under its key."""

from typing import Any


def text_of(row: dict[str, Any], text_key: str) -> str:
    """Return a row's text. Raises ValueError, to stand behind the row's place, where there is none at `text_key`."""
    check_key(list(row), text_key)
    text = row[text_key]
    if not isinstance(text, str):
        raise ValueError(
            f"has {text!r:.40} at corpus.text_key={text_key}, not text; drop such rows or name another key"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"holds text that is not valid Unicode ({error.reason}); repair or drop it") from error
    return text


def check_key(keys: list[str], text_key: str) -> None:
    """Raise ValueError, to stand behind the place, if no key is `text_key`."""
    if text_key not in keys:
        remedy = f"set corpus.text_key to one of {', '.join(keys)}" if keys else "the row is empty; delete it"
        raise ValueError(f"has no corpus.text_key={text_key}; {remedy}")
