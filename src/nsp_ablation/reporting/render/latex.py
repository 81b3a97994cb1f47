"""LaTeX: escaping of any text, and compiling where a TeX engine is installed.

Escaping is ours, and not pylatexenc's, which leaves `--` (a dash in TeX), `[` (after a row's end its option) and `"`.
"""

import os
import shutil
import subprocess
import tempfile
import unicodedata
from pathlib import Path

from nsp_ablation.base.artifact import atomic_path

_SPECIAL = {one: f"\\{one}" for one in "{}$&#%_"} | {one: f"{{{one}}}" for one in "[]-"}
_SPECIAL |= {'"': r"{\char34}", "“": "``", "”": "''", "‘": "`", "’": "'", "†": r"$^\dagger$", "−": "$-$", "\t": " "}
_WORDS = {"\\": "textbackslash", "^": "textasciicircum", "~": "textasciitilde", "<": "textless", ">": "textgreater"}
_WORDS |= {"|": "textbar", "'": "textquotesingle", "`": "textasciigrave", "–": "textendash", "—": "textemdash"}
_WORDS |= {"…": "dots", "\n": "newline"}
_WORDS |= {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "ł": "l", "Ł": "L"}
_SIGNS = {"±": "pm", "×": "times", "≤": "leq", "≥": "geq", "→": "rightarrow", "·": "cdot"}
_SPECIAL |= {one: f"\\{name}{{}}" for one, name in _WORDS.items()}
_SPECIAL |= {one: f"$\\{name}$" for one, name in _SIGNS.items()}
# Combining marks and the commands that set them in every font encoding.
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": "."}
_ACCENTS |= {"\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c"}
_ENGINES = {
    "latexmk": ("latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "appendix.tex"),
    "tectonic": ("tectonic", "appendix.tex"),
    "pdflatex": ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "appendix.tex"),
}
_TIMEOUT_SECONDS = 120
_COLUMN_LETTERS = 14  # that the narrowest column of an appendix holds


def escape(text: str) -> str:
    """Return LaTeX that prints `text`; what no font encoding is sure to have is named by code point."""
    return "".join(_SPECIAL.get(character) or _letter(character) for character in text)


def _letter(character: str) -> str:
    """Return a character as plain TeX has it: in ASCII, as a base letter with an accent, or by its code point."""
    if character.isascii() and character.isprintable():
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii():
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"


def code(text: str) -> str:
    """Return `text` in typewriter, which may break at its separators and whose hyphens stay hyphens."""
    return f"\\texttt{{{breakable(text)}}}"


def breakable(text: str) -> str:
    """Return LaTeX that prints `text` and may break after its separators, though never within a number.

    Names of settings are too long for a column otherwise; a word of more than a column's letters may break anywhere.
    """
    parts, run = [], 0
    for number, character in enumerate(text):
        following = text[number + 1 : number + 2]
        run = run + 1 if character.isalpha() else 0
        may_break = character in "/=_" or (character in ".,+-:" and following and not following.isdigit())
        may_break = may_break or (run >= _COLUMN_LETTERS and following.isalpha())
        parts.append(escape(character) + (r"\allowbreak{}" if may_break else ""))
    return "".join(parts)


def compile_pdf(source: Path) -> str | None:
    """Compile `source` to the PDF beside it with the first engine found; return None, or why there is no PDF.

    Where no engine is installed there is no PDF and nothing to say. The engine works in a directory of its own and
    with a fixed date, so equal sources give equal bytes.
    """
    command = next((arguments for name, arguments in _ENGINES.items() if shutil.which(name)), None)
    if command is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(source, Path(name) / "appendix.tex")
        environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        # pdflatex alone needs a second run for references and for the widths of long tables.
        for _ in range(2 if command[0] == "pdflatex" else 1):
            try:
                done = subprocess.run(command, cwd=name, env=environment, capture_output=True, timeout=_TIMEOUT_SECONDS)
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"no {source.stem}.pdf: {error}"
            if done.returncode != 0:
                log = done.stdout.decode(errors="replace").splitlines()
                reason = next((line for line in log if line.startswith("!")), f"{command[0]} exit {done.returncode}")
                return f"no {source.stem}.pdf: {reason}"
        with atomic_path(source.with_suffix(".pdf")) as temporary:
            shutil.copy(Path(name) / "appendix.pdf", temporary)
    return None
