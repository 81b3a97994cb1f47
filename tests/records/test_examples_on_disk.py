"""Items, ids and clusters that do not fit their record are refused even under right hashes."""

import io
import json
import zipfile

import numpy as np
import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.reporting.records import digest
from nsp_ablation.reporting.records.record_folder import RecordFolder

IDS = [f"e{number}" for number in range(4)]
SCORES = [1.0, 0.0, 1.0, 1.0]  # of record a


def reseal(study, name, content):
    """Write a file of record a, and its hash into the record, whose digest is then right."""
    path = study / name
    path.write_bytes(content)
    record = study / "records" / "a.json"
    field = {".npz": "items_sha256", ".json": "ids_sha256"}[path.suffix]
    digest.write_sealed(record, json.loads(record.read_text()) | {field: file_sha256(path)})


def items(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def bomb():
    """A file of a few kilobytes that unpacks to 64 MB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("accuracy.npy", b"\0" * (64 << 20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (items(accuracy=np.array(SCORES[:3])), r"accuracy: expected float64 \(4,\), got float64 \(3,\)"),
        (items(accuracy=np.array(SCORES, np.float32)), "got float32"),
        (items(accuracy=np.array(SCORES), label=np.array([SCORES])), r"label: .* got float64 \(1, 4\)"),
        (items(accuracy=np.array(SCORES), label=np.array([0, 0, 0, np.inf])), "infinite number in label"),
        (items(accuracy=np.array(SCORES), label=np.array([0, None], object)), "holds no items"),
        (b"no archive", "holds no items"),
        (bomb(), "an array is larger than its examples need"),
    ],
    ids=["short", "float32", "two axes", "infinite", "objects", "text", "bomb"],
)
def test_items_that_do_not_fit_are_refused_even_under_a_right_hash(study, content, words):
    reseal(study, "items/a.npz", content)
    with pytest.raises(DamageError, match=rf"items/a\.npz .*({words}).*; delete") as refusal:
        RecordFolder(study).verified()
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        (SCORES[::-1], "accuracy of each example is not its score"),
        ([0.0, 0.0, 1.0, 1.0], "accuracy of each example is not its score"),
    ],
)
def test_items_of_other_scores_are_refused(study, accuracy, words):
    """Under a right hash, too."""
    reseal(study, "items/a.npz", items(accuracy=np.array(accuracy)))
    with pytest.raises(DamageError, match=rf"records/a\.json: {words}"):
        RecordFolder(study).verified()


def test_items_without_the_array_of_the_metric_are_refused(study):
    reseal(study, "items/a.npz", items(label=np.array(SCORES)))
    with pytest.raises(DamageError, match=r"records/a\.json: accuracy comes from none of the arrays label"):
        RecordFolder(study).verified()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "must hold lists of texts, examples and clusters"),
        ({"examples": IDS}, "must hold lists of texts"),
        ({"examples": IDS, "clusters": "e0e1"}, "must hold lists of texts"),
        ({"examples": IDS, "clusters": [1, 2, 3, 4]}, "must hold lists of texts"),
        ({"examples": IDS, "clusters": IDS[:3]}, "expected 4 clusters, got 3"),
        ({"examples": IDS[:3], "clusters": IDS}, "expected 4 examples, got 3"),
        ({"examples": IDS[::-1], "clusters": IDS}, "holds other examples than its record"),
    ],
)
def test_ids_and_clusters_that_do_not_fit_are_refused_even_under_a_right_hash(study, data, words):
    reseal(study, "scores/a.json", json.dumps(data).encode())
    with pytest.raises(DamageError, match=rf"scores/a\.json .*{words}.*; delete"):
        RecordFolder(study).verified()
