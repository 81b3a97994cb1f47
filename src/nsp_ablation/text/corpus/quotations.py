"""Sentences within quotation marks and brackets.

`sentencex` keeps what stands between two marks as one sentence, however long: direct speech in novels would be one
sentence a turn. Here such a sentence is split as its text would be split without the marks: by the same rules of the
same language, so that an abbreviation ends a sentence inside no more than outside.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain, pairwise

from sentencex import segment

# What closes each mark that opens. A mark may open in one language and close in another: „German“, “English”.
_CLOSERS = {
    **{'"': '"', "'": "'", "“": "”", "„": "“”", "‟": "”", "‘": "’", "‚": "‘’", "‛": "’", "«": "»", "»": "«"},
    **{"‹": "›", "›": "‹", "``": "''", "「": "」", "『": "』", "《": "》", "〈": "〉", "〝": "〞〟", "＂": "＂"},
    **{"(": ")", "[": "]", "{": "}", "<": ">", "（": "）", "［": "］", "｛": "｝", "【": "】", "〔": "〕", "﹁": "﹂"},
}
_MARKS = "".join(sorted({*"".join(_CLOSERS), *"".join(_CLOSERS.values())}))
_CLASS = re.escape(_MARKS)
# A mark; an apostrophe within a word is none. One class of characters comes first, here and below: `re` looks for it in
# a loop of C, which makes preparation 4 % slower by all this, not 12 %.
_MARK = re.compile(rf"[{_CLASS}](?:(?<!['’])|(?<!\w['’])|(?!\w))")
_ALL, _TRAILED = frozenset(_MARKS), frozenset("".join(_CLOSERS))
_ONLY_CLOSING = re.escape("".join(_ALL - {*"".join(_CLOSERS)}))
_LEADING = re.compile(rf"(?:[{_ONLY_CLOSING}]|[{_CLASS}](?=\s|\Z))+\s*")
_TRAILING = re.compile(rf"(?<=\s)[{re.escape(''.join(_CLOSERS))}]+\Z")
_END, _END_WITHOUT_SPACE = ".!?…։؟۔।॥။።፧", "。！？｡．"
# The end of a sentence before the end of the text: all that may be split further.
_INNER_END = re.compile(
    rf"[{_END}{_END_WITHOUT_SPACE}](?:[{_CLASS}]*\s[\s{_CLASS}]*[^\sa-z0-9{_CLASS}]"
    rf"|(?<=[{_END_WITHOUT_SPACE}])[{_CLASS}]*[^\s{_CLASS}])"
)


def split_quotations(sentences: list[str], language: str) -> list[str]:
    """Return the sentences in the sentences of `sentencex`; joined, both are the same text.

    Closing marks stay with the sentence that they end, opening ones with the sentence that they begin.
    """
    search = _INNER_END.search
    found = list(chain.from_iterable(_split(item, language) if search(item) else (item,) for item in sentences))
    odd = [at for at, (left, right) in enumerate(pairwise(found)) if right[0] in _ALL or left[-1] in _TRAILED]
    for at in reversed(odd):
        found[at : at + 2] = filter(None, _with_own_marks(found[at], found[at + 1]))
    return found


def _with_own_marks(left: str, right: str) -> tuple[str, str]:
    """Move marks that the splitter left on the wrong side of a border, which knows few of them and none in others."""
    if "\n\n" in (left, right):
        return left, right
    closing, opening = _LEADING.match(right), _TRAILING.search(left)
    if closing:
        return left + closing.group(), right[closing.end() :]
    return (left[: opening.start()], opening.group() + right) if opening else (left, right)


def _split(sentence: str, language: str) -> Sequence[str]:
    if not (marks := _marks(sentence)):
        return (sentence,)
    bare = _MARK.sub("", sentence)
    parts = segment(language, bare)
    if len(parts) == 1 or "".join(parts) != bare:
        return (sentence,)
    positions = [position - number for number, position in enumerate(marks)]  # of each mark in `bare`
    cuts, end = [0], 0
    for part in parts[:-1]:
        last, end = end + len(part.rstrip()) - 1, end + len(part)
        start, following = last + bisect_right(positions, last) + 1, end + bisect_right(positions, end)
        closing = [position for position in range(start, following) if marks.get(position)]
        if last >= 0 and not (closing and sentence[following].islower()):  # “Go!” he said.
            cuts.append(closing[-1] + 1 if closing else start)
    return [sentence[start:end] for start, end in pairwise([*cuts, len(sentence)])]


def _marks(sentence: str) -> dict[int, bool]:
    """Return the position of every mark, and whether it closes: as far as marks are paired, by what is open."""
    marks, awaited = dict[int, bool](), list[str]()
    for match in _MARK.finditer(sentence):
        mark = match.group()
        closes = bool(awaited) and mark in awaited[-1]
        if closes:
            awaited.pop()
        elif mark in _CLOSERS:
            awaited.append(_CLOSERS[mark])
        marks[match.start()] = closes or mark not in _CLOSERS
    return marks
