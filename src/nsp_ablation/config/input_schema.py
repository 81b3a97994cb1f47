"""What the model is fed: the keys of `format`, `masking`, `tokenizer` and `corpus`."""

from dataclasses import dataclass

from nsp_ablation.config.kinds import MAX_SEED, label, machine, science

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
PAIR_FORMATS = ("segment_pair", "sentence_pair")


@dataclass
class FormatConfig:
    """An input format (section 4.2) and its open points; a key that a format does not have is null.

    `attention` is what a token of FULL-SENTENCES may look at: its whole sequence, or its own document's part of it.
    """

    name: str = science(*FORMATS)
    sentence_separator: bool | None = science()
    pair_separator: str | None = science("single", "double")
    nsp_balance: str | None = science("bert", "exact")
    lone_sentences: str | None = science("random", "skip")
    pairs: str | None = science("overlapping", "disjoint")
    attention: str | None = science("sequence", "document")
    resample: bool = science()


@dataclass
class MaskingConfig:
    """MLM targets (section 4.1). `copies` counts the static masks of a sample; null for dynamic masking."""

    name: str = science("static", "dynamic")
    copies: int | None = science(low=1)
    probability: float = science(low=0.01, high=0.9)
    mask_fraction: float = science(low=0.0, high=1.0)
    random_fraction: float = science(low=0.0, high=1.0)
    count: str = science("exact", "bernoulli")
    unit: str = science("token", "whole_word")


@dataclass
class TokenizerConfig:
    """Byte-level BPE or WordPiece trained on the corpus, or any tokenizer directory (`path`)."""

    name: str = science("bbpe", "wordpiece", "pretrained")
    vocab_size: int | None = science(low=64)
    lowercase: bool = science()
    path: str | None = science()
    max_train_documents: int | None = science(low=1)


@dataclass
class HubConfig:
    """A data set of the Hugging Face hub, read by the `datasets` library."""

    path: str = science()
    name: str | None = science()
    revision: str | None = science()
    split: str = science()
    text_key: str = science()
    document_key: str | None = science()


@dataclass
class CorpusConfig:
    """Where documents come from, and which of them are held out. `seed` is that of the micro-world, fixed.

    `num_documents` is how many the micro-world generates, and elsewhere how many are read (null: all of them).
    `vocab_sizes` gives each trained tokenizer its default `tokenizer.vocab_size`; nothing else reads it.
    `num_processes` make the token stores side by side (null: one a core).
    """

    name: str = science()
    reader: str = science("microworld", "text", "jsonl", "hub")
    path: str | None = machine()
    text_key: str | None = science()
    document_border: str | None = science("blank_line", "file")
    one_sentence_per_line: bool = science()
    language: str = science()
    heldout_fraction: float = science(low=0.0, high=0.5)
    seed: int = science(low=0, high=MAX_SEED)
    num_documents: int | None = science(low=2)
    num_processes: int | None = machine(low=1)
    vocab_sizes: dict[str, int] = label()
    hub: list[HubConfig] = science()
