"""Characters that cannot be seen: white space and what has no width."""

import re

# No width and no white space: lines of text that is copied from web pages and PDFs hold nothing else. Soft hyphen,
# grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian selectors, zero-width space, non-joiner and joiner,
# marks of direction, word joiner and invisible operators, the empty Braille cell, variation selectors, byte order mark.
INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0"
)
_BLANK = re.compile(rf"[\s{INVISIBLE}]*")


def is_blank(line: str) -> bool:
    """Return whether a line holds nothing that can be seen."""
    return not line or (not line[0].isalnum() and _BLANK.fullmatch(line) is not None)
