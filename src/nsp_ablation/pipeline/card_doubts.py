"""What is wrong with a line of the data card, in one line: the field, the value, the remedy."""

import math

from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.records.data_card import CardEntry
from nsp_ablation.samples.inspection.card_lines import LABELS, SENTENCES, UNKNOWN


def doubt(config: Config, line: CardEntry) -> str:
    """Return what is said of a line whose verdict is `warn` or `refused`."""
    value, bound = line.value, None if line.bound is None else f"{line.bound:g}"
    if line.name == UNKNOWN:
        remedy = f"{_vocabulary_remedy(config)}, or set checks.max_unknown_share={_up(value['share'])}"
        return Problem("checks.max_unknown_share", bound, f"{line.text} are [UNK]; {remedy}").line()
    if line.name == LABELS:
        remedy = "give documents of several sentences, or set objective=mlm or "
        remedy += f"checks.max_label_share={_up(value['most'])}"
        return Problem("checks.max_label_share", bound, f"the pairs' labels are {line.text}; {remedy}").line()
    if line.name == SENTENCES:
        return _few_sentences(config, value["median"], line.bound)
    assert line.name.startswith("examples."), line.name
    return str(value["reason"])


def _few_sentences(config: Config, median: float, bound: float | None) -> str:
    """Say it of a median below the bound, which is refused, or of one that is above it and low all the same."""
    assert bound is not None
    reason = f"the median document has {median:g} sentence{'' if median == 1 else 's'}; {_border_advice(config)}"
    if median >= bound:
        return reason
    others = [name for name, facts in FORMATS.items() if facts.min_sentences <= median]
    others = [f"take format={' or '.join(others)}"] if others else []
    remedy = ", or ".join([*others, f"set checks.min_sentences_per_document={median:g}"])
    return Problem("checks.min_sentences_per_document", f"{bound:g}", f"{reason}, {remedy}").line()


def _vocabulary_remedy(config: Config) -> str:
    if config.tokenizer.name == "pretrained":
        return "take another tokenizer.path"
    return "take tokenizer=bbpe, which knows every byte, raise tokenizer.vocab_size or tokenizer.max_alphabet"


def _border_advice(config: Config) -> str:
    """Say, by the reader, what is to be done where rows or paragraphs are taken for documents."""
    corpus = config.corpus
    if corpus.reader == "hub":
        return "if rows are parts of documents, set document_key in corpus.hub"
    if corpus.reader != "text":
        return "if rows are parts of documents, set corpus.document_key to the key that they share"
    if corpus.document_border == "blank_line":
        return "if blank lines end paragraphs, set corpus.document_border=file, or pattern with corpus.border_pattern"
    return "if these are parts of documents, give another corpus.document_border"


def _up(share: float) -> str:
    """Return a share rounded up to three digits, so that a bound that is set to it is met."""
    return f"{math.ceil(share * 1000) / 1000:g}"
