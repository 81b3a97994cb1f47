"""Version, licence, name and citation are said in several files, and are the same in all of them."""

import re
import tomllib
from pathlib import Path

import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = OmegaConf.to_container(OmegaConf.load(ROOT / "CITATION.cff"))


def test_the_version_is_the_same_everywhere():
    (newest, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert CITATION["version"] == newest == PROJECT["version"]


def test_the_licence_is_the_same_everywhere():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n" in text
    assert "Version 2.0, January 2004" in text
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert CITATION["license"] == "Apache-2.0"
    for page in ("README.md", "README.zh.md"):
        assert (ROOT / page).read_text().rstrip().endswith(("Apache-2.0.", "Apache-2.0。"))


def test_the_paper_is_cited_by_the_same_number_everywhere():
    (paper,) = CITATION["references"]
    assert paper["title"].startswith("RoBERTa")
    number = paper["notes"].removeprefix("arXiv:")
    for page in ("README.md", "README.zh.md"):
        assert f"https://arxiv.org/abs/{number}" in (ROOT / page).read_text()


def test_the_program_has_the_project_s_name():
    assert list(PROJECT["scripts"]) == [PROJECT["name"]]
    assert CITATION["title"].startswith(f"{PROJECT['name']}:")


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_what_an_extra_brings_is_pinned_in_the_tested_environment(extra):
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    names = {re.split(r"[<>=\[]", package)[0] for package in PROJECT["optional-dependencies"][extra]}
    assert names <= {name.lower().replace("_", "-") for name in pinned}
