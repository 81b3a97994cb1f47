"""The data card of a cell, `cards/<key>.json`: what was prepared, line by line, as it was before the first update."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import DamageError
from nsp_ablation.reporting.records.digest import check_digest, digest_of
from nsp_ablation.reporting.records.record import parse

CARD_SCHEMA = 1
VERDICTS = ("info", "ok", "warn", "refused")
_REMEDY = "delete it, and the same command writes it anew"


@dataclass(frozen=True)
class CardEntry:
    """A line: `text` is for reading, `value` holds the same numbers; `verdict` by `bound`, None where there is none."""

    name: str
    title: str
    text: str
    value: Any
    verdict: str
    bound: float | None


@dataclass(frozen=True)
class DataCard:
    """A card: what it is of, what it was made from (`<kind>/<key>`), its lines, and a digest over all else."""

    key: str
    corpus: str
    tokenizer: str
    format: str
    objective: str
    max_length: int
    tasks: list[str]
    inputs: list[str]
    lines: list[CardEntry]
    schema: int = CARD_SCHEMA
    digest: str = ""


def write_card(path: Path, card: DataCard) -> None:
    """Write a card with its digest; nothing is done where this card is there already."""
    if card_at(path) != sealed(card):
        write_json(path, asdict(sealed(card)))


def read_card(path: Path) -> DataCard:
    """Read a card. Raises DamageError naming the file where it is not what was written, or another's card."""
    data = read_json(path)
    card = parse(DataCard, data, path)
    check_digest(data, path, _REMEDY)
    if card.key != path.stem:
        raise DamageError(f"{path} holds the card {card.key}; {_REMEDY}")
    return card


def card_at(path: Path) -> DataCard | None:
    """Return the card of a file, None where there is no file. Raises as `read_card`."""
    return read_card(path) if path.is_file() else None


def sealed(card: DataCard) -> DataCard:
    """Return the card with its digest."""
    return replace(card, digest=digest_of(asdict(card)))
