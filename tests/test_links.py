"""Links of the pages: each leads to a file that is there, and to a heading that it has; the site has every page."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("build_site", ROOT / "docs/build_site.py")
site = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(site)

SOURCES = site.sources()
PAGES = [source for source in SOURCES if source.suffix == ".md"]
LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site name them."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def problems(text: str, source: Path, root: Path = ROOT) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for target in LINK.findall(re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = root / source.parent / path if path else root / source
        if not there.exists() or (anchor and anchor not in anchors(there.read_text())):
            found.append(target)
    return found


@pytest.mark.parametrize("source", PAGES, ids=str)
def test_every_link_leads_somewhere(source):
    assert problems((ROOT / source).read_text(), source) == []


def test_links_that_lead_nowhere_are_found():
    text = "[a](data.md) [b](nowhere.md) [c](data.md#nowhere) [d](#statistics) `[e](code.md)` [f](https://x.org/y)"
    assert problems(text, Path("docs/statistics.md")) == ["nowhere.md", "data.md#nowhere"]


def test_the_site_s_contents_name_every_page_but_those_of_benchmarks():
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    named = [page for part in navigation for pages in part.values() for entry in pages for page in entry.values()]
    assert len(named) == len(set(named))
    expected = {str(site.placed(page)) for page in PAGES if page.parent != Path("results/benchmarks")}
    assert set(named) == expected


def test_a_page_is_adapted_to_the_site_and_otherwise_left_alone():
    pages = {Path("README.md"), Path("docs/data.md"), Path("docs/a.md")}
    text = "[start](../README.md#x) [data](data.md) [code](../run.py) [web](https://x.org) ![f](formats.svg)\n"
    adapted = site.adapted(text, Path("docs/a.md"), pages)
    assert adapted == "[start](../index.md#x) [data](data.md) code [web](https://x.org) ![f](formats.svg)\n"
    block = "```python new=src/a.py\nx = [1](2)\n```\n"
    assert site.adapted(block, Path("docs/a.md"), pages) == '```python title="src/a.py (new)"\nx = [1](2)\n```\n'
    with pytest.raises(ValueError, match=r"docs/a.md: the link to nowhere.md leads nowhere"):
        site.adapted("[x](nowhere.md)", Path("docs/a.md"), pages)


def test_lists_stand_apart_from_the_paragraph_before_them():
    """The site's Markdown, unlike others, takes a list that follows a line of text for more of that text."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
        lines = text.splitlines()
        for before, line in zip(lines, lines[1:], strict=False):
            starts = re.match(r"(- |\* |\d+\. )", line)
            assert not (starts and before.strip() and not re.match(r"(\s|- |\* |\d+\. )", before)), f"{page}: {line}"
