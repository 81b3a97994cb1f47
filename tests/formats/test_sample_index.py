"""`SampleIndex` and `Frame`: lengths, borders, and a file that gives back what it was given."""

import mmap

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex


def test_lengths_count_cls_content_and_every_separator():
    index = SampleIndex(
        spans=np.array([[0, 5], [5, 6], [6, 9]]),
        separators=np.array([2, 1, 1], np.uint8),
        offsets=np.array([0, 2, 3]),
        is_pair=False,
        is_random_next=None,
        is_swapped=None,
        trimmed_tokens=0,
        cut_sentences=0,
        fingerprint="f",
    )
    assert index.num_samples == 2
    assert index.lengths().tolist() == [1 + 5 + 2 + 1 + 1, 1 + 3 + 1]
    assert index.lengths().dtype == np.int64


@pytest.mark.parametrize(
    "input_format",
    [
        make_format(FormatOptions("full"), "nsp"),
        make_format(FormatOptions("segment_pair"), "nsp"),
        make_format(FormatOptions("segment_pair"), "sop"),
    ],
)
def test_an_index_comes_back_from_disk_memory_mapped(make_store, make_frame, tmp_path, input_format):
    store = make_store([[5, 90, 4], [3, 3]])
    index = input_format.index(store, make_frame(16), 1, 0)
    index.save(tmp_path / "index")
    opened = SampleIndex.open(tmp_path / "index")
    for name, value in vars(index).items():
        read = getattr(opened, name)
        if isinstance(value, np.ndarray):
            assert _is_mapped(read), name
            assert not read.flags.writeable, name
            assert read.dtype == value.dtype, name
            assert read.tolist() == value.tolist(), name
        else:
            assert read == value, name
    assert index.spans.dtype == np.int64
    assert index.separators.dtype == np.uint8
    assert index.offsets.dtype == np.int64


def _is_mapped(array):
    """Whether an array's memory is a mapped file, however many views lie between."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def test_rooms_leave_place_for_the_special_tokens(make_frame):
    assert make_frame(512).capacity == 510
    assert make_frame(512).pair_capacity == 509
    assert make_frame(512, pair_separators=2).pair_capacity == 508


def test_a_max_length_below_8_is_refused(make_frame):
    assert make_frame(8).capacity == 6
    with pytest.raises(ValueError, match="max_length=7 .* set it to 8 or more"):
        Frame(7, 0, 1, 2, 3, 1, (0, 1, 2, 3), 100, False)
