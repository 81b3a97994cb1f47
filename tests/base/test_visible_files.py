"""Which files a path means."""

import os

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.visible_files import expand_paths, files_below, matching_files

VISIBLE = ["a.txt", "b c.txt", "d[1]/e.txt", "d[1]/f\ng.txt", "h/i/j.txt", "k[ab].txt", "ka.txt"]
HIDDEN = [".DS_Store", "._a.txt", ".git/x.txt", "h/.y.txt", "h/._j.txt", "__MACOSX/a.txt", "h/__MACOSX/._a.txt"]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / ".own" / "data[2]"  # what the user names is no hidden file
    for name in VISIBLE + HIDDEN:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def names(root, found):
    return [str(path.relative_to(root)) for path in found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", VISIBLE),
        ("**", VISIBLE),
        ("**/*.txt", VISIBLE),
        ("*", ["a.txt", "b c.txt", "k[ab].txt", "ka.txt"]),
        (".*", []),
        ("._*", []),
        ("*/*.txt", ["d[1]/e.txt", "d[1]/f\ng.txt"]),
        ("d[1]", ["d[1]/e.txt", "d[1]/f\ng.txt"]),
        ("d[1]/*e*", ["d[1]/e.txt"]),
        ("k[ab].txt", ["k[ab].txt"]),
        ("k[a].txt", ["ka.txt"]),
        (".git/x.txt", [".git/x.txt"]),
        ("none*", []),
        ("missing", []),
    ],
)
def test_a_path_gives_its_visible_files(tree, pattern, expected):
    assert names(tree, expand_paths(str(tree / pattern))) == expected


def test_a_list_keeps_its_order_and_gives_a_file_once(tree):
    paths = [str(tree / "ka.txt"), str(tree / "[ab]*.txt"), str(tree / "a.txt")]
    assert names(tree, expand_paths(paths)) == ["ka.txt", "a.txt", "b c.txt"]


def test_files_of_a_directory_are_those_of_its_glob(tree):
    assert files_below(tree) == matching_files(tree, "**") == expand_paths(str(tree))
    assert files_below(tree / "a.txt") == [tree / "a.txt"]
    assert files_below(tree / "missing") == []


def test_paths_are_taken_from_the_working_directory_and_home(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert [str(path) for path in expand_paths("k*")] == ["k[ab].txt", "ka.txt"]
    monkeypatch.setenv("HOME", str(tree))
    assert names(tree, expand_paths("~/d[1]")) == ["d[1]/e.txt", "d[1]/f\ng.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every directory")
def test_a_directory_that_cannot_be_listed_is_refused(tree):
    (tree / "h").chmod(0)
    with pytest.raises(InputError, match="h cannot be listed"):
        files_below(tree)
