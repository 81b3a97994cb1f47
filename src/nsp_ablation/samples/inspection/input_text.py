"""Inputs as marked text, for the terminal and for the figure alike; the marks say what colours say."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from nsp_ablation.samples.inspection.input_tokens import SPECIAL_KINDS, InputToken, TokenNames
from nsp_ablation.text.store.token_store import TokenStore

OBJECTIVES = {"mlm": "MLM", "mlm_nsp": "MLM + NSP", "mlm_sop": "MLM + SOP"}


def piece_texts(
    row: dict[str, Any],
    tokens: Sequence[InputToken],
    store: TokenStore,
    vocabulary: TokenNames,
    styles: Mapping[str, str],
    text_styles: Sequence[str],
) -> Iterator[tuple[str, Text]]:
    """Give the heading and the text of each piece of an input; `text_styles[i]` is that of piece i's ordinary text."""
    for piece, group in groupby(tokens, key=lambda token: token.piece):
        segment = "" if row["segment_spans"] is None else f"{'AB'[piece]}: "
        heading = f"{segment}{_position(row['spans'][piece], store)}"
        yield heading, marked_text(list(group), vocabulary, styles, text_styles[piece])


def _position(span: list[int], store: TokenStore) -> str:
    """Return where a piece stands in the corpus, and whether it begins or ends inside a sentence."""
    document, first, end, start, stop = span
    is_whole = (start, stop) == tuple(store.sentence_offsets[[first, end]])
    sentences = f"sentence {first}" if end == first + 1 else f"sentences {first}-{end - 1}"
    return f"document {document}, {sentences}{'' if is_whole else ', cut to fit'}"


def marked_text(
    tokens: Sequence[InputToken], vocabulary: TokenNames, styles: Mapping[str, str], text_style: str
) -> Text:
    """Return tokens as text: special tokens by name, MLM targets with the marks that `target_legend` explains."""
    parts: list[tuple[str, str]] = []
    follows_special = False
    for token in tokens:
        is_special = token.kind in SPECIAL_KINDS
        has_space = is_special or follows_special or vocabulary.starts_word(token.token_id)
        parts.append((" " if parts and has_space else "", text_style))
        follows_special = is_special
        word = vocabulary.name(token.token_id) if is_special else vocabulary.text(token.token_id)
        read = vocabulary.text(token.masked_id) if token.kind == "random" else ""
        marked = {"mask": f"[{word}]", "random": f"{word}→{read}", "kept": f"={word}"}.get(token.kind, word)
        parts.append((marked, styles.get(token.kind, text_style)))
    runs = groupby((part for part in parts if part[0]), key=lambda part: part[1])
    return Text.assemble(*(("".join(text for text, _ in run), style) for style, run in runs))


def target_legend(styles: Mapping[str, str]) -> Text:
    """Return what the marks of MLM targets mean."""
    return Text.assemble(
        *("targets: ", ("[word]", styles["mask"]), " reads [MASK], ", ("word→other", styles["random"])),
        *(" reads a random token, ", ("=word", styles["kept"]), " is kept"),
    )
