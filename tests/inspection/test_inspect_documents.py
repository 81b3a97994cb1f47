"""`stage=inspect inspect.documents=...`: a corpus is listed, and held against a list."""

import dataclasses
import gzip
import re

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.output_options import InspectOptions
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.stages.cell import CellRun, prints_samples
from nsp_ablation.stages.inspect import run


def inspect(config, **asked):
    """Run the stage of a composed configuration with other options of `inspect`."""
    config = dataclasses.replace(config, inspect=InspectOptions(**asked))
    assert not prints_samples(config)
    run(CellRun(config, [], []))


def test_a_corpus_is_listed_and_is_the_one_that_its_list_says(composed, tmp_path, capsys):
    path = str(tmp_path / "corpus.tsv.gz")
    inspect(composed("doc"), documents=path)
    lines = gzip.decompress((tmp_path / "corpus.tsv.gz").read_bytes()).decode().splitlines()
    assert len(lines) == 1 + 120
    assert all(re.fullmatch(r"\t\t\d+\t[0-9a-f]{64}", line) for line in lines[1:])
    inspect(composed("full"), documents_as=path)
    listed, same = capsys.readouterr().out.splitlines()
    assert "120 documents (0.0" in listed
    assert same.endswith(f"120 documents, all of them as {path} lists them")
    (tmp_path / "corpus.tsv.gz").write_bytes(gzip.compress(("\n".join([*lines[:-2], lines[-3]]) + "\n").encode()))
    with pytest.raises(
        InputError, match=r"of 119 documents that it lists and 120 of the corpus, 1 missing .*, 2 extra"
    ):
        inspect(composed("doc"), documents_as=path)
    assert not list(feed_of(composed("doc")).stores.root.glob("*.sqlite"))
