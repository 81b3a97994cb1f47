"""What was published: numbers of a cell as they are printed, and tables and paragraphs of Markdown, HTML and LaTeX.

Each document becomes a list of blocks (section, rows or text). A bold cell begins with BOLD; dashes and minus signs are
those of the page. White space in labels says nothing, since LaTeX breaks long ones: `key` leaves it out.
"""

import html
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

BOLD = "\u0001"
MISSING = {"", "–", "-"}
NUMBER = re.compile(
    r"(?:over |< ?)?[+−-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\.\d+|\d+)(?:e[+-]?\d+)?(?![\d.]*\d)"
)


def key(label: str) -> str:
    return re.sub(r"\s", "", label.replace(BOLD, ""))


def numbers(text: str) -> list:
    return NUMBER.findall(text)


def agrees(text: str, value: float | None, decimals: int | None = None, significant: int | None = None) -> bool:
    """Whether `text` is a right rounding of `value`: at most half a unit of its last digit away.

    The last digit is the last that is printed, or the one that `decimals` or `significant` digits give, for places that
    leave closing zeros away. A tie may go either way, and a billionth is left for sums in another order.
    """
    text = text.strip().replace("−", "-").replace(",", "")
    if text in MISSING or value is None or math.isnan(value):
        return text in MISSING and (value is None or math.isnan(value))
    if text.startswith("<"):
        return value < float(text[1:])
    if text.startswith("over"):
        return value > float(text[4:])
    shown, _, exponent = text.lower().partition("e")
    last = int(exponent or 0) - len(shown.partition(".")[2]) if decimals is None else -decimals
    if significant is not None:
        last = math.floor(math.log10(abs(value))) + 1 - significant if value else -significant
    return abs(float(text) - value) <= 0.5 * 10.0**last + 1e-9 * max(1e-3, abs(value))


@dataclass
class Ledger:
    """Counts of what was compared, by kind; what differs; and what stays unread, by document and section."""

    same: Counter = field(default_factory=Counter)
    differ: Counter = field(default_factory=Counter)
    differences: list = field(default_factory=list)
    unread: Counter = field(default_factory=Counter)

    def note(self, kind: str, place: str, text: str, value: object, equal: bool, count: int = 1) -> None:
        (self.same if equal else self.differ)[kind] += count
        if not equal:
            self.differences.append((kind, place, text.replace(BOLD, ""), value))

    def number(self, kind: str, place: str, text: str, value: float | None, **digits: int) -> None:
        value = None if value is None else float(value)
        self.note(kind, place, text, value, agrees(text, value, **digits))

    def cell(self, kind: str, place: str, text: str, values: list, **digits: int) -> None:
        """All numbers of a cell in their order; a dash where every value is missing."""
        found = numbers(text)
        if not found and text.strip(" %" + BOLD) in MISSING:
            found = [""] * len(values)
        if len(found) != len(values):
            self.note(kind, place, text, values, False)
            return
        for one, value in zip(found, values, strict=True):
            self.number(kind, place, one, value, **digits)

    def leave(self, place: str, text: str) -> None:
        count = len(numbers(text))
        if count:
            self.unread[place] += count


@dataclass
class Block:
    section: str
    rows: list = field(default_factory=list)  # of lists of cells; the first is the header
    text: str = ""

    def lines(self) -> list:
        """(row label, {column label: cell}); a row without label is the second line of the one before it."""
        header, found = [key(name) for name in self.rows[0]], []
        for row in self.rows[1:]:
            cells = dict(zip(header[1:], row[1:], strict=False))
            if key(row[0]) or not found:
                found.append((key(row[0]), cells))
            else:
                found[-1] = (
                    found[-1][0],
                    {name: f"{cell} {cells[name]}".strip() for name, cell in found[-1][1].items()},
                )
        return found


def markdown(text: str) -> list:
    blocks, section = [], "results"
    text = html.unescape(re.sub(r"</?sub>", "", text))
    for line in text.splitlines():
        plain = re.sub(r"\\([\[\]*_\\|])", r"\1", line)
        if line.startswith("#"):
            section = plain.lstrip("# ")
        elif line.startswith("|"):
            cells = [
                re.sub(r"^\s*\*\*(.*)\*\*\s*$", BOLD + r"\1", cell).strip() for cell in plain.strip("|\n").split("|")
            ]
            if not blocks or not blocks[-1].rows or blocks[-1].section != section:
                blocks.append(Block(section, [cells]))
            elif not set(line) <= set("|-: "):
                blocks[-1].rows.append(cells)
        elif plain.strip():
            blocks.append(Block(section, text=plain.strip()))
    return blocks


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks, self.section, self.deep, self.cell = [], "", Counter(), None

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.deep[tag] += tag not in ("meta", "br", "link")
        if tag in ("section", "figure") and dict(attrs).get("id"):
            self.section = dict(attrs)["id"]
        if tag == "table":
            self.blocks.append(Block(self.section))
        elif tag == "tr":
            self.blocks[-1].rows.append([])
        elif tag in ("td", "th"):
            self.cell = BOLD if "best" in (dict(attrs).get("class") or "").split() else ""
        elif tag in ("p", "li", "pre", "h2", "h3", "figcaption", "code"):
            self.blocks.append(Block(self.section))
        elif self.cell is not None:
            self.cell += BOLD if tag in ("b", "strong") else " " if tag == "small" else ""

    def handle_endtag(self, tag: str) -> None:
        self.deep[tag] -= 1
        if tag in ("td", "th"):
            self.blocks[-1].rows[-1].append(self.cell.strip())
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.deep["svg"] > 0 or self.deep["style"] > 0 or self.deep["script"] > 0:
            return
        if self.cell is not None:
            self.cell += data
        elif self.deep["table"] <= 0 and data.strip():
            if not self.blocks or self.blocks[-1].rows:
                self.blocks.append(Block(self.section))
            self.blocks[-1].text += data


def page(text: str) -> list:
    parser = _Page()
    parser.feed(text)
    return [block for block in parser.blocks if block.rows or block.text.strip()]


def _plain(text: str) -> str:
    """LaTeX to plain text, as far as the reports use it."""
    text = re.sub(r"\\multicolumn\{(\d+)\}\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}", "", text)
    text = re.sub(r"\\allowbreak(?:\{\})?", "", text)
    text = re.sub(r"\\(?:newline|raggedright|raggedleft|scriptsize|tabularnewline|small)\b(?:\{\})?", " ", text)
    for mark, plain in (
        ("$-$", "−"), ("$\\times$", "×"), ("\\textendash{}", "–"), ("\\textless{}", "<"), ("\\textquotesingle{}", "'"),
        ("{-}", "-"), ("{[}", "["), ("{]}", "]"), ("{\\char34}", '"'), ("``", "“"), ("''", "”"),
    ):  # fmt: skip
        text = text.replace(mark, plain)
    text = re.sub(r"\\textbf\{([^{}]*)\}", BOLD + r"\1", text)
    text = re.sub(r"\\emph\{([^{}]*)\}", r"\1", text)
    return re.sub(r"[{}]", "", re.sub(r"\\([%_&#$])", r"\1", text)).strip()


def latex(text: str) -> list:
    blocks, section, header = [], "results", None
    for line in re.sub(r"(?m)^\s*%.*$", "", text).splitlines():
        if found := re.match(r"\\subsection\*\{(.*)\}$", line.strip()):
            section = _plain(found[1])
        elif line.startswith("\\toprule"):
            header = []
        elif line.startswith("\\midrule") and header:
            blocks.append(Block(section, [[" ".join(parts) for parts in zip(*header, strict=True)]]))
            header = None
        elif (
            re.search(r"\\(bottomrule|endhead|addlinespace|midrule|multicolumn\{\d+\}\{@|begin\{|end\{)", line)
            and "&" not in line
        ):
            continue
        elif re.search(r"(\\tabularnewline|\\\\)\s*$", line) and "&" in line:
            cells = _row(line)
            if header is not None:
                header.append([_plain(cell) for cell in cells])
            elif len(cells) > 1 and all(c.strip().startswith("{\\scriptsize") or not c.strip() for c in cells[1:]):
                row = blocks[-1].rows[-1]  # the second line of a row, whose name may go on in it
                blocks[-1].rows[-1] = [f"{a} {_plain(b)}" for a, b in zip(row, cells, strict=True)]
            else:
                blocks[-1].rows.append([_plain(cell) for cell in cells])
        elif line.strip():
            blocks.append(Block(section, text=_plain(line)))
    return blocks


def _row(line: str) -> list:
    """Cells of a line; one that spans several columns stands in each."""
    cells = []
    for cell in re.split(r"(?<!\\)&", re.sub(r"(\\tabularnewline|\\\\)\s*$", "", line)):
        span = re.search(r"\\multicolumn\{(\d+)\}", cell)
        cells += [cell] * (int(span[1]) if span else 1)
    return cells
