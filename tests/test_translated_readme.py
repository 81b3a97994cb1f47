"""README.zh.md says what README.md says: section by section the same commands, numbers, settings, tables and links."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(page: str) -> list[str]:
    """The sections of a page; what stands before the first heading of the second level is one, too."""
    return re.split(r"^## ", (ROOT / page).read_text(), flags=re.MULTILINE)


def commands(text: str) -> list[str]:
    """The lines of the blocks, without comments."""
    return [line.split("  #")[0].rstrip() for block in FENCE.findall(text) for line in block.splitlines()]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def numbers(text: str) -> Counter[str]:
    """How often each number occurs outside of the blocks."""
    return Counter(re.findall(r"−?\d+(?:[.,]\d+)*", prose(text)))


def table_shapes(text: str) -> list[tuple[int, int]]:
    """The rows and cells of each table."""
    tables = re.findall(r"(?:^\|.*\|\n)+", prose(text), re.MULTILINE)
    return [(table.count("\n"), max(line.count("|") for line in table.splitlines())) for table in tables]


def links(text: str) -> Counter[str]:
    targets = re.findall(r"\]\(([^)]*)\)", prose(text))
    return Counter(target for target in targets if target not in ("README.md", "README.zh.md"))


def code(text: str) -> Counter[str]:
    return Counter(re.findall(r"`([^`\n]+)`", prose(text)))


PAIRS = list(zip(sections("README.md"), sections("README.zh.md"), strict=True))
ASPECTS = {"commands": commands, "numbers": numbers, "tables": table_shapes, "links": links, "settings": code}


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[english.split("\n")[0] for english, _ in PAIRS])
def test_both_languages_say_the_same(english, chinese, aspect):
    of = ASPECTS[aspect]
    assert of(chinese) == of(english)


def test_what_is_compared_is_there():
    english = (ROOT / "README.md").read_text()
    assert len(PAIRS) >= 7
    assert len(commands(english)) >= 15
    assert numbers(english).total() >= 50
    assert len(table_shapes(english)) >= 5
    assert links(english).total() >= 15


def test_the_translation_is_chinese():
    """Every paragraph and every row with words has Chinese characters: nothing was left untranslated."""
    for _, chinese in PAIRS:
        for line in prose(chinese).splitlines():
            words = re.sub(r"`[^`]*`|\([^)]*\)|[A-Z][\w.-]*|\[[^]]*\]", "", line)
            if len(re.findall(r"[a-z]{3,}", words)) > 2:
                assert re.search(r"[\u4e00-\u9fff]", line), line


def test_chinese_is_set_with_its_own_punctuation():
    """Commas, colons and brackets beside a Chinese character are Chinese ones, and no sentence is broken in lines."""
    text = re.sub(r"`[^`\n]*`|\]\([^)]*\)", "x", prose((ROOT / "README.zh.md").read_text()))
    assert not re.findall(r".{0,9}[\u4e00-\u9fff”）][,;:?!(].{0,9}|.{0,9}[,;:?!(][\u4e00-\u9fff“].{0,9}", text)
    assert not re.findall(r"[\u4e00-\u9fff，]\n[\u4e00-\u9fffA-Za-z`(]", text)
