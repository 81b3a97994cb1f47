"""The model card of an exported encoder: `README.md` with the metadata that the Hugging Face hub reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).with_name("model_card.md.jinja")
_OBJECTIVES = {
    "mlm": "masked-language modelling alone",
    "mlm_nsp": "masked-language modelling and next-sentence prediction",
    "mlm_sop": "masked-language modelling and sentence-order prediction",
}
# Those that the hub's metadata takes and a text may have; it refuses others.
_HUB_LICENSES = frozenset(
    (
        *("apache-2.0", "mit", "bsd-3-clause", "gpl-3.0", "agpl-3.0", "gfdl", "cc0-1.0", "unlicense", "unknown"),
        *("cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "odc-by", "odbl", "pddl"),
        *("cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
    )
)


@dataclass(frozen=True)
class CardedModel:
    """An encoder as its card tells of it.

    arm, training: what was set, and what was done, for reading. predicts: `mlm`, `mlm_nsp` or `mlm_sop`. pair_class:
    the class of `transformers` that loads its head on pairs, None where there is none. max_length: tokens of the
    longest input. in_range_tokens: the longest length that 1 % of the inputs had. datasets: names on the hub.
    card_lines: what the data card says of the text, titles and texts. base_model: the encoder that training went on
    from. command: what was typed.
    """

    name: str
    architecture: str
    hidden_size: int
    arm: dict[str, Any]
    format_title: str
    format_description: str
    masking: str
    predicts: str
    pair_class: str | None
    max_length: int
    in_range_tokens: int | None
    corpus: str
    datasets: list[str]
    language: str
    lowercase: bool
    license: str | None
    is_generated: bool
    card_lines: list[tuple[str, str]]
    training: dict[str, Any]
    base_model: str | None
    version: str
    command: str


def model_card(model: CardedModel) -> str:
    """Return the card, Markdown after YAML."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        model=model,
        metadata=_metadata(model),
        objective=_OBJECTIVES[model.predicts],
        masking=f"{model.masking} masks",
        cell=_cell,
    )


def _metadata(model: CardedModel) -> str:
    """Return the YAML block; a licence that the hub has no name for is `other`, with the words in the text below."""
    import yaml

    license = "unknown" if model.license is None else model.license
    tags = ["nsp-ablation", model.architecture, model.format_title.lower(), model.predicts.replace("_", "-")]
    found = {
        "language": model.language,
        "license": license if license in _HUB_LICENSES else "other",
        "license_name": None if license in _HUB_LICENSES else "as-stated-below",
        "library_name": "transformers",
        "pipeline_tag": "fill-mask",
        "base_model": model.base_model,
        "datasets": model.datasets or None,
        "tags": tags,
    }
    kept = {key: value for key, value in found.items() if value is not None}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


def _cell(value: Any) -> str:
    """Return a value as the cell of a table: one line, no bar that ends it."""
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
