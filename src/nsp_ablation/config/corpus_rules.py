"""Settings of a corpus that do not go together, or mean nothing."""

import re
from collections.abc import Iterator
from dataclasses import fields

from nsp_ablation.config.problem import Problem
from nsp_ablation.options.corpus_options import BORDER_LAYOUTS, NEAR_DUPLICATE_KEYS, READERS, CorpusOptions
from nsp_ablation.options.languages import LANGUAGES


def corpus_problems(corpus: CorpusOptions) -> Iterator[Problem]:
    """Yield each problem between settings of a corpus."""
    yield from _keys_of_readers(corpus)
    yield from _border_pattern(corpus)
    yield from _near_duplicates(corpus)
    if corpus.work_parts is not None and corpus.work_key is None:
        reason = "is about the name of a work; set corpus.work_key to its key, or leave this out"
        yield Problem("corpus.work_parts", corpus.work_parts, reason)
    if (corpus.reader == "hub") != bool(corpus.hub):
        reason = "names no data set" if corpus.reader == "hub" else f"corpus={corpus.name} reads nothing from the hub"
        yield Problem("corpus.hub", [source.path for source in corpus.hub], reason)
    if any(source.sentence_rows and source.document_key is None for source in corpus.hub):
        reason = "is about the rows of a document; set document_key beside it in corpus.hub, or leave it out"
        yield Problem("corpus.hub.sentence_rows", True, reason)
    if corpus.language not in LANGUAGES:
        base = re.split("[-_]", corpus.language.lower())[0]
        near = f"did you mean {base}?" if base in LANGUAGES else "give an ISO 639-1 code, such as en, de or zh"
        reason = f"no such language of the sentence splitter; {near}"
        yield Problem("corpus.language", corpus.language, reason)


def _keys_of_readers(corpus: CorpusOptions) -> Iterator[Problem]:
    for key in dict.fromkeys(key for facts in READERS.values() for key in (*facts.needs, *facts.takes)):
        value, facts = getattr(corpus, key), READERS[corpus.reader]
        if key in facts.needs and (value is None or value == []):
            yield Problem(f"corpus.{key}", None, f"corpus={corpus.name} needs {facts.needs[key]}")
        if key not in (*facts.needs, *facts.takes) and value is not None and key != "num_documents":
            readers = " or ".join(name for name, facts in READERS.items() if key in (*facts.needs, *facts.takes))
            reason = f"corpus={corpus.name} has no such key; it belongs to corpus={readers}"
            yield Problem(f"corpus.{key}", value, reason)


def _border_pattern(corpus: CorpusOptions) -> Iterator[Problem]:
    pattern, names = corpus.border_pattern, ", ".join(BORDER_LAYOUTS)
    if corpus.reader != "text":
        return
    if (corpus.document_border == "pattern") != (pattern is not None):
        needed = (
            f"corpus.document_border=pattern needs {names}, or a regular expression of the lines that part documents"
        )
        reason = needed if pattern is None else "belongs to corpus.document_border=pattern; set it, or leave this out"
        yield Problem("corpus.border_pattern", pattern, reason)
    elif pattern is not None and pattern not in BORDER_LAYOUTS:
        try:
            re.compile(pattern)
        except re.error as error:
            reason = f"is no regular expression ({error}); give one in quotes, or {names}"
            yield Problem("corpus.border_pattern", pattern, reason)


def _near_duplicates(corpus: CorpusOptions) -> Iterator[Problem]:
    if corpus.removes_near_duplicates:
        return
    defaults = {field.name: field.default for field in fields(corpus)}
    for key in NEAR_DUPLICATE_KEYS:
        if getattr(corpus, key) != defaults[key]:
            reason = "is how near-duplicates are found; set corpus.near_duplicates=remove, or leave this out"
            yield Problem(f"corpus.{key}", getattr(corpus, key), reason)
