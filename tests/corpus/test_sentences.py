import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencex import segment

from nsp_ablation.text.corpus.sentences import split_sentences

REAL_TEXT = Path(__file__).parents[2].parent / "shared/data/corpus-small.jsonl"
pieces = st.sampled_from(
    ["Dr. Lee came.", "He left", "(see", "p. 3)", '"No."', "U.S.", "\n", "\n\n", "\n \n", "\n\n\n", " "]
)


def test_sentences_are_split_stripped_and_none_is_empty():
    text = "Dr. Lee lived in Rome.  She sang.\n\nIt rained. "
    assert split_sentences(text, "en", False, True) == ["Dr. Lee lived in Rome.", "She sang.", "It rained."]


def test_a_wrapped_line_goes_on_and_a_blank_line_ends_a_sentence():
    assert split_sentences("She lived\nin Rome. He\n \ndid not", "en", False, True) == [
        "She lived in Rome.",
        "He",
        "did not",
    ]


def test_one_per_line_takes_each_line_as_it_stands():
    text = "Dr. Lee came. He left.\n\n  It rained \n"
    assert split_sentences(text, "en", True, True) == ["Dr. Lee came. He left.", "It rained"]


@pytest.mark.parametrize("text", ["", " \n\n \n"])
def test_no_text_has_no_sentences(text):
    assert split_sentences(text, "en", False, True) == []
    assert split_sentences(text, "en", True, True) == []


@given(st.lists(pieces, max_size=12).map(" ".join))
def test_no_character_but_white_space_is_lost(text):
    for one_per_line in (False, True):
        assert "".join("".join(split_sentences(text, "en", one_per_line, True)).split()) == "".join(text.split())


@given(st.lists(st.lists(pieces.filter(str.strip), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=4))
def test_paragraphs_are_split_independently(paragraphs):
    """The whole document goes to the splitter in one call; that must equal one call a paragraph."""
    expected = [part.strip() for paragraph in paragraphs for part in segment("en", paragraph) if part.strip()]
    assert split_sentences("\n\n".join(paragraphs), "en", False, False) == expected
    assert split_sentences("\n \n\n".join(paragraphs), "en", False, False) == expected


@pytest.mark.slow
@pytest.mark.skipif(not REAL_TEXT.exists(), reason="the shared real text is not beside this checkout")
def test_splitting_keeps_most_of_the_splitters_speed_on_real_text():
    texts = [json.loads(line)["text"] for line in REAL_TEXT.read_text(encoding="utf-8").splitlines()]

    def best_seconds(split) -> float:
        seconds = []
        for _ in range(10):
            start = time.perf_counter()
            for text in texts:
                split(text)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    raw = best_seconds(lambda text: segment("en", text))
    # .85 was measured on an idle machine; .6 leaves room for noise
    assert raw / best_seconds(lambda text: split_sentences(text, "en", False, False)) > 0.6
