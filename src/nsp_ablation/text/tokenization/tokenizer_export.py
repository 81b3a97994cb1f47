"""The tokenizer that lies beside an exported encoder: `AutoTokenizer` lays texts out as pre-training did."""

import json
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import copy_files, read_json, write_json, write_text
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.text.tokenization.tokenizer import CONFIG_FILE, OTHER_FILES, TOKENIZER_FILE, load_tokenizer

# Of tokenizer_config.json: code of others, and what would replace the layout, or cut and pad texts, on loading.
_LEFT_OUT = ("auto_map", "add_bos_token", "add_eos_token", "max_length", "stride", "truncation_strategy")


def export_tokenizer(source: Path, directory: Path, layout: InputLayout) -> None:
    """Write a tokenizer directory's files into `directory`, for inputs of `layout`.

    `tokenizer(a)` then gives [CLS] a [SEP], of type 0, and `tokenizer(a, b)` what pre-training fed, types included;
    `truncation=True` cuts at `layout.max_length`. RobertaTokenizer and BertTokenizer have layouts of their own, which
    no file changes, so the class is that of a tokenizer.json which decides everything. Stored truncation and padding,
    which pre-training never applied, are left out.
    """
    copy_files((source / name, directory / name) for name in OTHER_FILES)
    tokenizer = load_tokenizer(source)
    description = json.loads(tokenizer.to_str())
    names = {token_id: str(tokenizer.id_to_token(token_id)) for token_id in (layout.cls, layout.sep)}
    description["post_processor"] = _post_processor(description["post_processor"], layout, names)
    write_text(directory / TOKENIZER_FILE, json.dumps(description, ensure_ascii=False, indent=1) + "\n")
    config = read_json(source / CONFIG_FILE)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": layout.max_length,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }
    kept = {key: value for key, value in config.items() if key not in _LEFT_OUT}
    write_json(directory / CONFIG_FILE, kept | settings)


def _post_processor(old: dict[str, Any] | None, layout: InputLayout, names: dict[int, str]) -> dict[str, Any]:
    """Return the processor of `tokenizers` that puts special tokens, by id in `names`, round texts.

    The offsets of byte-level tokens are trimmed of spaces where they were before.
    """

    def piece(kind: str, name: str, type_id: int) -> dict[str, Any]:
        return {kind: {"id": name, "type_id": type_id}}

    cls, sep = names[layout.cls], names[layout.sep]
    single = [piece("SpecialToken", cls, 0), piece("Sequence", "A", 0), piece("SpecialToken", sep, 0)]
    between = [piece("SpecialToken", sep, 0)] * (layout.pair_separators - 1)
    second = [piece("Sequence", "B", layout.second_type), piece("SpecialToken", sep, layout.second_type)]
    template = {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, *between, *second],
        "special_tokens": {
            name: {"id": name, "ids": [token_id], "tokens": [name]} for token_id, name in sorted(names.items())
        },
    }
    trimming = [_byte_level(part) for part in _parts(old) if part["type"] in ("ByteLevel", "RobertaProcessing")]
    return {"type": "Sequence", "processors": [*trimming, template]} if trimming else template


def _parts(processor: dict[str, Any] | None) -> list[dict[str, Any]]:
    if processor is None:
        return []
    if processor["type"] != "Sequence":
        return [processor]
    return [part for inner in processor["processors"] for part in _parts(inner)]


def _byte_level(part: dict[str, Any]) -> dict[str, Any]:
    """Return the processor that trims offsets as `part` does, and nothing else."""
    trimming = {key: part[key] for key in ("add_prefix_space", "trim_offsets")}
    return {"type": "ByteLevel", **trimming, "use_regex": True}
