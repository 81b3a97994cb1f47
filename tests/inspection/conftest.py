"""What tests of the stages share: the laws of the inspection file, and files that the command or the formats write."""

import copy
import dataclasses
import importlib.util
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.output_options import InspectOptions
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.inspection.contract import header, sample_rows
from nsp_ablation.stages.cell import CellRun
from nsp_ablation.stages.inspect import run
from nsp_ablation.text.store.token_store import TokenStore

VOCAB_SIZE = 300
SMALL = (
    *("stage=inspect", "scale=smoke", "corpus.num_documents=120", "tokenizer.vocab_size=300", "max_length=48"),
    "masking.probability=0.15",  # what the laws of the file expect
)


@pytest.fixture(scope="session")
def file_laws():
    """The laws of file_laws.py, which judge an inspection file by itself."""
    spec = importlib.util.spec_from_file_location("stages_file_laws", Path(__file__).parent / "file_laws.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def composed(planned, tmp_path_factory):
    """composed("full"): the checked configuration of a small `stage=inspect` in a format; all share their artifacts."""
    artifacts = tmp_path_factory.mktemp("artifacts")

    @cache
    def compose(format_name):
        typed = [*SMALL, f"format={format_name}", f"paths.artifacts={artifacts}"]
        return planned(*typed)[0].config

    return compose


@pytest.fixture(scope="session")
def inspected(composed, tmp_path_factory):
    """inspected("doc", epoch=2, ...): header and rows of the file of `stage=inspect`, all samples of an epoch.

    Composing a command takes a second, so settings are changed in a composed configuration.
    """
    path = tmp_path_factory.mktemp("inspected") / "out.jsonl"

    @cache
    def read(name, epoch=1, masking="dynamic", copies=None, **settings):
        config = composed(name)
        options = {key: settings.pop(key) for key in list(settings) if key in vars(config.format)}
        config = dataclasses.replace(
            config,
            format=dataclasses.replace(config.format, **options),
            masking=dataclasses.replace(config.masking, name=masking, copies=copies),
            inspect=InspectOptions(output=str(path), figure=None, num_samples="all", epoch=epoch),
            **settings,
        )
        run(CellRun(config, [], []))
        first, *rows = [json.loads(line) for line in path.read_text().splitlines()]
        return first["header"], rows

    return read


@pytest.fixture(scope="session")
def store():
    """150 documents of 2 to 12 sentences of 2 to 10 tokens."""
    lengths = [[2 + (document * 31 + sentence * 17) % 9 for sentence in range(2 + document * 7 % 11)]
               for document in range(150)]  # fmt: skip
    documents = [[[5 + (3 * i + n) % (VOCAB_SIZE - 5) for i in range(n)] for n in document] for document in lengths]
    return TokenStore.from_documents(documents, VOCAB_SIZE)


@pytest.fixture(scope="session")
def frame():
    """T = 32; [CLS], [PAD], [SEP], [UNK] and [MASK] are the ids 0 to 4."""
    return Frame(32, 0, 2, 4, 1, 1, (0, 1, 2, 3, 4), VOCAB_SIZE, False)


@pytest.fixture(scope="session")
def index_of(store):
    """index_of("full", "mlm", frame): the index that the format makes."""

    def build(name, objective, frame):
        order = "sop" if objective == "mlm_sop" else "nsp"
        return make_format(FormatOptions(name), order).index(store, frame, 1, 0)

    return build


@pytest.fixture(scope="session")
def file_of(store, frame):
    """file_of("full", "mlm", index): header and rows of the inspection file of an index, said to be of a format."""
    masks = Masks(MaskingOptions("dynamic"), seed=1)

    def write(name, objective, index):
        head = header(store, frame, masks, 1, format_name=name, objective=objective, seed=1)
        return head, list(sample_rows(store, index, frame, masks, 1, np.arange(index.num_samples)))

    return write


@pytest.fixture(scope="session")
def true_files(index_of, file_of, frame):
    """{(format, objective): (header, rows)} as the code makes them."""
    kinds = [(name, objective) for name in ("segment_pair", "sentence_pair") for objective in ("mlm_nsp", "mlm_sop")]
    kinds += [("full", "mlm"), ("doc", "mlm")]
    return {kind: file_of(*kind, index_of(*kind, frame)) for kind in kinds}


@pytest.fixture
def falsified(true_files):
    """falsified("full", change): a copy of a true file after change(header, rows)."""

    def changed(name, change, objective=None):
        objective = objective or ("mlm_nsp" if "pair" in name else "mlm")
        head, rows = copy.deepcopy(true_files[name, objective])
        change(head, rows)
        return head, rows

    return changed
