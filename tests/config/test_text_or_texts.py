"""`corpus.path` is one path or a list of them."""

import pytest

from nsp_ablation.config.path_checks import needed_paths
from nsp_ablation.config.schema import Config
from nsp_ablation.config.values import converted, value_problems
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.piece import expand


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        ("a.txt", []),
        (["a.txt", "b*.txt"], []),
        (None, []),
        ("", ["expected a value; null leaves out what may be left out"]),
        (["a.txt", ""], ["expected a value; null leaves out what may be left out"]),
        ([["a"]], ["expected text"]),
        ({"a": "b"}, ["expected text"]),
        (["x" * 300], ["has a part of 300 bytes"]),
    ],
)
def test_a_text_or_a_list_of_texts_is_taken(value, reasons):
    problems = list(value_problems("corpus.path", value))
    assert len(problems) == len(reasons)
    assert all(reason in problem.reason for problem, reason in zip(problems, reasons, strict=True))


def test_values_are_converted_as_they_are_typed():
    assert converted("corpus.path", "a") == "a"
    assert converted("corpus.path", 2024) == "2024"
    assert converted("corpus.path", ["a", "b"]) == ["a", "b"]


def test_each_path_of_a_list_must_give_a_file(tmp_path):
    (tmp_path / "a").touch()
    paths = [str(tmp_path / "a"), str(tmp_path / "none*")]
    config = Config(stage="prepare", corpus=CorpusOptions("x", "text", path=paths))
    (needed,) = [needed for needed in needed_paths(config) if needed.field == "corpus.path"]
    (problem,) = needed.check(needed)
    assert (problem.value, problem.reason[:15]) == (paths[1], "matches no file")
    with pytest.raises(ValueError, match=r"corpus\.path=.*none\* matches no file"):
        expand(paths)
    assert expand(paths[:1] * 2) == [tmp_path / "a"]
