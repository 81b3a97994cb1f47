"""Text and its tokens: corpora and tokenizers."""

from dataclasses import dataclass

from nsp_ablation.options.setting import MAX_SEED, READ_PATH, REQUIRED, TextOrTexts, identity, machine, science


@dataclass(frozen=True)
class ReaderFacts:
    """What the rest of the project needs to know of a reader.

    `module` implements it (`read`, and `cut` for files); `needs` are the keys of `CorpusOptions` that it needs, with
    what to give, and `takes` those that it can do without. A key that only other readers have is none of its.
    `generated_tasks` are the tasks whose files are generated with the documents; a reader of files has none.
    """

    module: str
    needs: dict[str, str]
    takes: tuple[str, ...] = ()
    generated_tasks: tuple[str, ...] = ()

    @property
    def is_generated(self) -> bool:
        """Whether the documents are made here, with the files of some tasks."""
        return bool(self.generated_tasks)

    @property
    def reads_files(self) -> bool:
        """Whether it reads the files of `corpus.path`."""
        return "path" in self.needs


_FILES = {"path": "files: corpus.path=FILE, a directory or a quoted glob"}
READERS = {
    "microworld": ReaderFacts(  # written as JSON lines
        "nsp_ablation.text.corpus.jsonl",
        {"num_documents": "the number of documents to generate"},
        generated_tasks=("squad1", "squad2", "mnli", "sst2", "race"),
    ),
    "text": ReaderFacts(
        "nsp_ablation.text.corpus.plain_text",
        _FILES | {"document_border": "blank_line, file or pattern"},
        takes=("border_pattern",),
    ),
    "jsonl": ReaderFacts(
        "nsp_ablation.text.corpus.jsonl",
        _FILES | {"text_key": "the key that holds a document's text"},
        takes=("document_key", "work_key", "work_parts", "id_key", "source_key"),
    ),
    "hub": ReaderFacts("nsp_ablation.text.corpus.hub", {}),
}


@dataclass(frozen=True)
class BorderLayout:
    """A layout of plain text whose documents are parted by lines of their own: which is what a `border` is found in.

    `dropped` is found in other lines that are no text. `blank_parts`: blank lines part documents, too, and each line is
    a paragraph. `in_every_file`: a file without a border is no document but a run of them, whose borders are lost.
    """

    border: str
    dropped: str | None = None
    blank_parts: bool = False
    in_every_file: bool = False


# Headings are no text, as for BERT (Devlin et al. 2019, section 3.1: "ignore lists, tables, and headers").
BORDER_LAYOUTS = {
    "wikitext": BorderLayout(r"^\s*= (?!=).*(?<!=) =\s*$", dropped=r"^\s*= = .* = =\s*$"),
    "wikiextractor": BorderLayout(r"^<doc [^>]*>\s*$|^</doc>\s*$"),
    "babylm": BorderLayout(r"^= = = .* = = =\s*$", blank_parts=True, in_every_file=True),
}
HELDOUT_PARTS = ("reporting", "tuning", "all")
NEAR_DUPLICATES = ("keep", "remove")
NEAR_DUPLICATE_KEYS = ("near_duplicate_words", "near_duplicate_buckets", "near_duplicate_hashes")
MAX_LINE_BYTES = 64 << 20
BYTE_ALPHABET = 256 + 5  # bytes and special tokens: the least vocabulary of byte-level BPE


@dataclass
class TokenizerOptions:
    """Byte-level BPE or WordPiece trained on the corpus, or a tokenizer that exists."""

    name: str = science(REQUIRED, "How text becomes tokens (section 4.4).", "bbpe", "wordpiece", "pretrained")
    vocab_size: int | None = science(None, "Tokens of a vocabulary that is trained.", low=64, high=2**24)
    lowercase: bool = science(False, "Lower-case the text first (WordPiece alone).")
    strip_accents: bool | None = science(
        None,
        "wordpiece: remove accents, and the vowel signs of Indic scripts; null: where it lower-cases, as BERT does.",
    )
    max_alphabet: int | None = science(
        None,
        "wordpiece: characters that are kept, the others being [UNK]; null: as many as make up 99.95 % of the text, at "
        "least 1000.",
        low=1,
        high=2**21,
    )
    max_word_characters: int = science(
        500, "wordpiece: characters of the longest word, a longer one being [UNK] (BERT: 100).", low=1, high=2**16
    )
    path: str | None = science(None, "Directory or hub name of a pretrained tokenizer.", path=READ_PATH)
    max_train_documents: int | None = science(
        None, "Documents that a vocabulary is trained on; null: all.", low=1, high=2**40
    )


@dataclass
class DatasetOptions:
    """A data set of the Hugging Face hub, read by the `datasets` library."""

    path: str = science(REQUIRED, "Name on the hub, or a local directory.", path=READ_PATH)
    name: str | None = science(None, "Configuration of the data set.")
    revision: str | None = science(None, "Commit or tag; null: the newest.")
    split: str = science("train", "Split that is read.")
    text_key: str = science("text", "Column that holds the text.")
    document_key: str | None = science(None, "Column whose change begins a new document; null: each row is one.")
    sentence_rows: bool = science(False, "Rows of a document are sentences, so that none crosses a row.")


@dataclass
class CorpusOptions:
    """Where documents come from, and which of them are held out."""

    name: str = science(REQUIRED, "The corpus.")
    reader: str = science(REQUIRED, "What reads it.", *READERS)
    path: TextOrTexts = machine(None, "Files: a file, a directory, a quoted glob, or a list of them.", path=READ_PATH)
    max_line_bytes: int = machine(
        MAX_LINE_BYTES,
        "Longest line, cell of Parquet or document that is read; a longer one is refused.",
        low=1,
        high=2**40,
    )
    text_key: str | None = science(None, "Key of a JSON object or parquet column that holds a document's text.")
    document_key: str | None = science(None, "Key whose change begins a new document; null: each row is one.")
    work_key: str | None = science(
        None, "Key that names the work which a document is part of: whole works are held out, not single chapters."
    )
    work_parts: int | None = science(
        None,
        "How many parts of that name, between slashes, name the work (novels/emma/3: 2); null: all.",
        low=1,
        high=2**16,
    )
    id_key: str | None = machine(None, "Key of a document's id, for lists of documents (inspect.documents) alone.")
    source_key: str | None = machine(None, "Key that names where a document comes from, for such lists alone.")
    document_border: str | None = science(None, "What parts documents of plain text.", "blank_line", "file", "pattern")
    border_pattern: str | None = science(
        None, "Lines that part documents: wikitext, wikiextractor, babylm or a regular expression; they are no text."
    )
    one_sentence_per_line: bool = science(False, "Each line is a sentence (BERT's layout); none is split.")
    language: str = science("en", "Language of the sentence splitter, as an ISO 639 code (`docs/data.md`).")
    split_quotations: bool = science(True, "Split what stands in quotation marks or brackets into its sentences.")
    near_duplicates: str = science(
        "keep",
        "remove: leave out documents that nearly repeat an earlier one, by MinHash (datatrove, extra cluster), before "
        "any is held out; the tokenizer is that of the whole corpus.",
        *NEAR_DUPLICATES,
    )
    near_duplicate_words: int = science(5, "near_duplicates=remove: words of the n-grams compared.", low=1, high=64)
    near_duplicate_buckets: int = science(
        14,
        "near_duplicates=remove: buckets, one of which must have equal hashes: documents of Jaccard similarity s have "
        "that with p = 1 - (1 - s^hashes)^buckets.",
        low=1,
        high=1000,
    )
    near_duplicate_hashes: int = science(8, "near_duplicates=remove: hashes per bucket.", low=1, high=1000)
    train_fraction: float = science(
        1.0,
        "Share of the training documents that are read, by their hash; tokenizer and held-out documents are those of "
        "the whole corpus.",
        low=1e-6,
        high=1.0,
    )
    heldout_fraction: float = science(0.01, "Share of documents held out, by their hash.", low=0.0, high=0.5)
    heldout_part: str = science(
        "reporting",
        "Half of the held-out documents, by their hash, that losses and probes read: the one for results, or tuning, "
        "to choose settings on; all: both, of a corpus too small for halves.",
        *HELDOUT_PARTS,
    )
    seed: int = science(1, "Seed of the micro-world and of held-out masks; fixed for all arms.", low=0, high=MAX_SEED)
    num_documents: int | None = science(None, "Documents that are generated or read; null: all.", low=2, high=2**40)
    num_processes: int | None = machine(None, "Processes that build stores; null: one per core.", low=1, high=4096)
    vocab_sizes: dict[str, int] = identity(
        {}, "Default tokenizer.vocab_size of each trained tokenizer.", low=1, high=2**24
    )
    hub: list[DatasetOptions] = science([], "Data sets of the hub that make up the corpus.")
    license: str | None = machine(
        None, "Licence of the text, for the model card of an export: as the hub spells it (cc-by-4.0), or in words."
    )

    @property
    def removes_near_duplicates(self) -> bool:
        return self.near_duplicates == "remove"
