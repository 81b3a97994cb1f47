"""Parquet files are read a bounded number of bytes at a time, or refused by name."""

import pyarrow
import pyarrow.parquet
import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.parquet_pages import page_sizes
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, read_source

TEXTS = [f"{number} " + "word " * 2000 for number in range(300)]


def read(path, max_line_bytes):
    options = CorpusOptions("x", "jsonl", text_key="text", max_line_bytes=max_line_bytes)
    return list(read_source(Source(options, (whole(path),))))


@pytest.fixture
def parquet(tmp_path):
    """parquet(write_batch_size=..., ...) -> a file of TEXTS and other columns."""

    def write(texts=TEXTS, **options):
        path = tmp_path / "a"
        table = pyarrow.table({"id": range(len(texts)), "text": texts, "list": [[1, 2]] * len(texts)})
        pyarrow.parquet.write_table(table, path, **options)
        return path

    return write


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "zstd", "snappy"])
def test_sizes_of_pages_add_up_to_the_columns(parquet, version, compression):
    path = parquet(
        data_page_version=version, compression=compression, write_batch_size=10, data_page_size=1, row_group_size=150
    )
    groups = pyarrow.parquet.ParquetFile(path).metadata
    for group in range(groups.num_row_groups):
        column = groups.row_group(group).column(1)
        start = column.dictionary_page_offset or column.data_page_offset
        with open(path, "rb") as file:
            sizes = list(page_sizes(file, start, start + column.total_compressed_size))
        assert len(sizes) > 3
        assert 0 <= column.total_uncompressed_size - sum(sizes) < 100 * len(sizes)  # their headers


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_large_page_is_refused_and_its_remedies_work(parquet, use_dictionary):
    path = parquet(use_dictionary=use_dictionary)
    with pytest.raises(
        InputError, match=r"a holds a page of \d,\d+,\d+ bytes in column text; .*write_batch_size=16"
    ) as error:
        read(path, 100_000)
    assert read(path, int(str(error.value).rpartition("corpus.max_line_bytes=")[2])) == TEXTS
    assert read(parquet(use_dictionary=False, write_batch_size=16, data_page_size=1), 100_000) == TEXTS


def test_a_large_cell_behind_small_ones_is_refused(parquet):
    with pytest.raises(InputError, match="holds a page of"):
        read(parquet(["a"] * 3000 + ["b" * 10**6]), 100_000)
