from pathlib import Path

import pytest

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.plain_text import read


def read_text(pieces, border):
    return (document.text for document in read(CorpusOptions("text", "text", document_border=border), pieces))


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_blank_line_ends_a_document(tmp_path):
    path = write(tmp_path / "a.txt", "One.\nTwo.\n\n \t\nThree.\n")
    assert list(read_text([whole(path)], "blank_line")) == ["One.\nTwo.", "Three."]


def test_with_border_file_blank_lines_separate_paragraphs(tmp_path):
    path = write(tmp_path / "a.txt", "\nOne.\nTwo.\n \n\nThree.\n\n")
    assert list(read_text([whole(path)], "file")) == ["One.\nTwo.\n\n\nThree."]


@pytest.mark.parametrize("border", ["blank_line", "file"])
def test_no_document_crosses_a_file(tmp_path, border):
    paths = [write(tmp_path / "a.txt", "One."), write(tmp_path / "b.txt", "Two.")]
    assert list(read_text(map(whole, paths), border)) == ["One.", "Two."]


def test_byte_order_mark_and_windows_line_ends_are_no_text(tmp_path):
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbfOne.\r\nTwo.\r\n\r\nThree.")
    assert list(read_text([whole(path)], "blank_line")) == ["One.\nTwo.", "Three."]


@pytest.mark.parametrize("content", ["", " \n\n \n"])
@pytest.mark.parametrize("border", ["blank_line", "file"])
def test_a_file_without_text_is_refused(tmp_path, content, border):
    path = write(tmp_path / "a.txt", content)
    with pytest.raises(ValueError, match=r"a\.txt holds no text; .*corpus\.path"):
        list(read_text([whole(path)], border))


def test_bytes_that_are_not_utf8_are_refused_with_file_and_line(tmp_path):
    path = write(tmp_path / "a.txt", b"One.\nCaf\xe9.\n")
    with pytest.raises(ValueError, match=r"a\.txt:2 is not UTF-8 \(byte 0xe9\); it fits CP1252: convert it with"):
        list(read_text([whole(path)], "file"))
