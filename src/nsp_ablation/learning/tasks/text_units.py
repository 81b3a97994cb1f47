"""Words of a text for baselines that have no tokenizer, in languages with and without spaces between words."""

import re

# Scripts without spaces between words, and those of their signs (vowels, tones) that Python takes for no letters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
_UNSPACED_SIGNS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"  # Thai and Lao
    "\u102b-\u103e\u17b4-\u17d3\u3099\u309a"  # Burmese, Khmer, kana
)
# The same of scripts with spaces: accents, Hebrew, Arabic, and the scripts of India (but for their full stops).
_SPACED_SIGNS = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c2\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_WORD = re.compile(rf"(?=\w)[{_UNSPACED}][{_UNSPACED_SIGNS}]*|(?:[^\W{_UNSPACED}]|[{_SPACED_SIGNS}])+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: runs of letters and digits; in a script without spaces, each character.

    Nothing cuts Chinese or Thai into words here: without a dictionary a character stands for one.
    """
    return _WORD.findall(text)
