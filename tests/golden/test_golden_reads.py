"""What training reads in its first updates is what it read when the golden runs were made, on any machine."""

import json
from pathlib import Path

import pytest

VARIANTS = json.loads(Path(__file__).with_name("golden.json").read_text())["variants"]
NAMES = [name for name, variant in VARIANTS.items() if "reads" in variant]


@pytest.mark.parametrize("name", NAMES)
def test_golden_reads(make, golden, artifacts, name):
    """However an update is cut in micro-batches: an odd number of them each time."""
    accumulation = 1 + 2 * (NAMES.index(name) % 2)
    assert make.reads(golden, name, artifacts, accumulation) == golden["variants"][name]["reads"]


def test_golden_reads_tell_variants_apart():
    """Only conditions that differ in the loss alone read the same; each budget of SENTENCE-PAIR reads its own."""
    recorded = {name: VARIANTS[name]["reads"] for name in NAMES}
    for format_name in ("segment_pair", "sentence_pair"):
        assert recorded.pop(f"{format_name}_mlm") == recorded[f"{format_name}_nsp"]
    assert len(set(recorded.values())) == len(recorded)
