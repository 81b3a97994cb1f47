"""CMRC 2018's exact match and F1 (Cui et al. 2019); a module of `SPAN_SCORINGS`, for answers in Chinese.

They follow cmrc2018_evaluate.py (version 5), which takes each Chinese character and each Latin word for a unit, and
instead of a bag of words the longest run of units that prediction and reference share. One deviation: that script cuts
what stands between Chinese characters by NLTK's tokenizer, which is not used here; `_PIECE` agrees with it on words,
numbers and lone punctuation, but not on contractions and abbreviations.
"""

import re

# As the script has them. It also lists "……", two characters that no single one equals: an ellipsis stays.
_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CHINESE = "\u4e00-\u9fa5"
_OTHER = re.compile(rf"[^{_CHINESE}]")
# a Chinese character; a number or word with dots, commas and apostrophes inside; any other character but white space
_PIECE = re.compile(rf"[{_CHINESE}]|[^\W{_CHINESE}]+(?:[.,'][^\W{_CHINESE}]+)*|…+|[^\s\w]")


def units(text: str) -> list[str]:
    """Return the units of an answer: lower case, without the script's punctuation."""
    return _PIECE.findall(_without_punctuation(text))


def joined(words: list[str]) -> str:
    """Return a text that has these units, with spaces between those that are no Chinese characters."""
    pairs = zip(["", *words], words, strict=False)
    return "".join(f" {word}" if _OTHER.match(before) and _OTHER.match(word) else word for before, word in pairs)


def exact_match(prediction: str, reference: str) -> float:
    """1 where the answers are equal but for case and punctuation, else 0; white space inside them counts."""
    return float(_without_punctuation(prediction) == _without_punctuation(reference))


def f1(prediction: str, reference: str) -> float:
    """Harmonic mean of precision and recall of the longest common run of units; 0 without one, as for empty answers."""
    predicted, expected = units(prediction), units(reference)
    num_same = _longest_common_run(predicted, expected)
    if num_same == 0:
        return 0.0
    precision, recall = num_same / len(predicted), num_same / len(expected)
    return 2 * precision * recall / (precision + recall)


def _longest_common_run(first: list[str], second: list[str]) -> int:
    """Return the length of the longest run of neighbours that both lists hold."""
    longest, ending_before = 0, [0] * (len(second) + 1)
    for unit in first:
        ending = [0] * (len(second) + 1)
        for position, other in enumerate(second, start=1):
            if unit == other:
                ending[position] = ending_before[position - 1] + 1
        longest, ending_before = max(longest, *ending), ending
    return longest


def _without_punctuation(text: str) -> str:
    return text.lower().strip().translate(_PUNCTUATION)
