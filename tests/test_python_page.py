"""docs/python.md: the lines that begin with >>> give what the page says."""

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_examples_of_the_page_give_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, attempted = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False)
    assert (failed, attempted >= 30) == (0, True)


def test_a_wrong_line_would_be_found(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> 1 + 1\n3\n\n```\n")
    assert doctest.testfile(str(page), module_relative=False).failed == 1


def test_what_is_shown_without_a_prompt_is_python():
    text = (ROOT / "docs/python.md").read_text()
    blocks = [block for block in text.split("```")[1::2] if block.startswith("\n")]
    assert len(blocks) == 2
    for block in blocks:
        compile(block, "docs/python.md", "exec")
        for line in block.splitlines():
            if line.startswith("from nsp_ablation"):
                exec(line, {})
