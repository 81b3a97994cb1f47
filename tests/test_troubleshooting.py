"""docs/troubleshooting.md quotes what the program says: commands are refused so, other lines are in the code."""

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
BLOCKS = re.findall(r"^```text\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)
TYPED = dict(block.split("\n", 1) for block in BLOCKS if block.startswith("$ "))
QUOTED = [block for block in BLOCKS if not block.startswith("$ ")]
MIN_LETTERS = 12  # of the longest piece of a quoted line, so that it is not found anywhere


def literals(source: str) -> set[str]:
    """The texts of a module, cut where something is put into them: in f-strings, at %s and at {}."""
    constants = {
        node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and type(node.value) is str
    }
    return {part for text in constants for part in re.split(r"%[sdg]|\{\w*\}", text)}


LITERALS = set().union(*(literals(path.read_text()) for path in (ROOT / "src").rglob("*.py")))


def pieces_of(line: str) -> list[str]:
    """The pieces of a quoted line that the code has in one text each: messages are composed at these marks."""
    text = re.sub(r"^(error|warning): ", "", line)
    return [piece.strip() for piece in re.split(r"…|; |: |, or ", text) if re.search(r"\w", piece)]


def is_said(line: str) -> bool:
    """Whether every piece of a line stands in a text of the code."""
    return all(any(piece in text for text in LITERALS) for piece in pieces_of(line))


def test_the_page_quotes_both_kinds_of_lines():
    assert len(TYPED) >= 5
    assert len(QUOTED) >= 25
    assert all(len(max(pieces_of(line), key=len)) >= MIN_LETTERS for line in QUOTED)


@pytest.mark.parametrize("command", TYPED)
def test_a_command_is_refused_in_the_words_of_the_page(refused, command):
    _, program, script, *words = shlex.split(command)
    assert (program, script) == ("python", "run.py")
    assert [f"error: {line}" for line in refused(*words)] == TYPED[command].split("\n")


@pytest.mark.parametrize("line", QUOTED)
def test_a_quoted_line_is_one_that_the_code_has(line):
    assert "\n" not in line
    assert is_said(line), line


@pytest.mark.parametrize(
    "line",
    [
        "error: … is a tar archive, not a text; unpack it",
        "error: … holds … that nobody ever wrote anywhere; mend it",
        "error: corpus.heldout_fraction=… holds out … of …, and nothing is left to train on",
    ],
)
def test_a_line_that_nobody_says_is_found(line):
    assert not is_said(line)
