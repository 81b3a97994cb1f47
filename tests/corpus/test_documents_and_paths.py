import pytest

from nsp_ablation.text.corpus.document import blocks_of, is_heldout, is_read, text_digest
from nsp_ablation.text.corpus.piece import expand

DIGESTS = [text_digest(f"Text number {number}.") for number in range(5000)]


def test_about_the_fraction_of_documents_is_held_out():
    num_heldout = sum(is_heldout(digest, 0.1) for digest in DIGESTS)
    assert abs(num_heldout - 500) < 4 * (5000 * 0.1 * 0.9) ** 0.5


def test_a_larger_fraction_only_adds_documents():
    smaller = {digest for digest in DIGESTS if is_heldout(digest, 0.01)}
    larger = {digest for digest in DIGESTS if is_heldout(digest, 0.05)}
    assert smaller < larger


def test_the_borders_hold_out_nothing_and_everything():
    assert not any(is_heldout(digest, 0.0) for digest in DIGESTS)
    assert all(is_heldout(digest, 1.0) for digest in DIGESTS)


def test_the_choice_is_the_same_in_every_process_and_release():
    assert [number for number in range(400) if is_heldout(DIGESTS[number], 0.01)] == [59, 128, 157, 357]


@pytest.mark.parametrize("heldout", [True, False])
def test_the_share_that_is_read_has_nothing_to_do_with_what_is_held_out(heldout):
    digests = [digest for digest in DIGESTS if is_heldout(digest, 0.3) == heldout]
    num_read = sum(is_read(digest, 0.25) for digest in digests)
    assert abs(num_read - len(digests) / 4) < 4 * (len(digests) * 0.25 * 0.75) ** 0.5


def test_a_larger_share_only_adds_documents_and_the_whole_is_all():
    sixteenth, quarter = ({digest for digest in DIGESTS if is_read(digest, share)} for share in (1 / 16, 1 / 4))
    assert sixteenth < quarter
    assert all(is_read(digest, 1.0) for digest in DIGESTS)


@pytest.fixture
def tree(tmp_path):
    for name in ("b.txt", "a.txt", "sub/c.txt", ".hidden/d.txt", ".e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("b.txt", ["b.txt"]),
        ("", ["a.txt", "b.txt", "sub/c.txt"]),
        ("*", ["a.txt", "b.txt"]),
        ("**/*.txt", ["a.txt", "b.txt", "sub/c.txt"]),
        ("[ac].txt", ["a.txt"]),
    ],
)
def test_files_directories_and_globs_give_sorted_files(tree, pattern, names):
    assert expand(str(tree / pattern)) == [tree / name for name in names]


@pytest.mark.parametrize("pattern", ["none*.txt", "missing.txt", "empty"])
def test_a_path_that_matches_nothing_is_refused(tree, pattern):
    (tree / "empty").mkdir()
    with pytest.raises(
        ValueError, match=r"corpus\.path=.* matches no file; give a file, a directory with files or a glob"
    ):
        expand(str(tree / pattern))


@pytest.mark.parametrize("unit", ["A b. C d.\n\n", "A b. C d.\n", "A b. C d. ", "x", "文。"])
def test_blocks_of_a_long_document_are_short_and_together_the_document(unit):
    text = unit * (3_000_000 // len(unit))
    blocks = list(blocks_of(text))
    assert "".join(blocks) == text
    assert max(map(len, blocks)) <= 1 << 20
    assert len(blocks) == -(-len(text) // (1 << 20))
    border = unit[-2:].lstrip(".")
    assert all(block.startswith(border) for block in blocks[1:] if border.isspace())


def test_a_document_of_less_than_a_block_is_whole():
    text = "a\n\nb" * 200_000
    assert list(blocks_of(text)) == [text]
