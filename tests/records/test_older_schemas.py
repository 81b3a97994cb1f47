"""Results of every older schema that is read: one folder each, as the version of its day wrote it, stays readable.

`schema3/` holds two formats with two seeds on SQuAD 2.0 (twelve questions) and held-out perplexity, and the table that
was made of them then.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.manifest import read_manifest
from nsp_ablation.reporting.records.older_schemas import READ_SCHEMAS, SCHEMA
from nsp_ablation.reporting.records.record_folder import RecordFolder

KEPT = Path(__file__).parent
OLDER = [schema for schema in READ_SCHEMAS if schema != SCHEMA]


@pytest.fixture(params=OLDER)
def kept(request, tmp_path):
    """A copy of the results of an older schema."""
    return Path(shutil.copytree(KEPT / f"schema{request.param}", tmp_path / "kept"))


def test_every_schema_that_is_read_has_its_reader_tried():
    assert sorted(int(path.name.removeprefix("schema")) for path in KEPT.glob("schema*")) == OLDER
    assert max(READ_SCHEMAS) == SCHEMA


def test_results_of_an_older_schema_give_the_table_that_they_gave(kept):
    report = load_report(kept, "kept", ReportOptions())
    assert not [warning for warning in report.warnings if "older version" in warning]
    assert {cell.status for cell in report.manifest.cells} == {"done"}
    with open(kept / "table.csv", newline="") as file:
        expected = {(row["format"], row["task"], row["metric"]): row for row in csv.DictReader(file)}
    found = {(row["format"], row["task"], row["metric"]): row for row in report.long_table}
    assert expected.keys() == found.keys()
    for key, row in expected.items():
        assert [found[key]["median"], found[key]["mean"]] == [float(row["median"]), float(row["mean"])], key


def test_records_of_schema_3_lack_what_it_had_not_and_keep_all_else(kept):
    folder = RecordFolder(kept)
    assert (folder.older(), len(folder.verified())) == ([], 8)
    for key, record in folder.all().items():
        data = json.loads((kept / "records" / f"{key}.json").read_text())
        assert (record.schema, record.digest, record.metrics) == (3, data["digest"], data["metrics"])
        assert (record.ids_sha256, record.items_sha256, record.origin) == (None, None, None)
        assert record.pretraining.tokens == data["pretraining"]["tokens"] > 0
        assert (record.pretraining.maskable_tokens, record.pretraining.unique_tokens) == (None, None)
        assert folder.is_done(key)


def test_examples_of_schema_3_have_scores_and_no_clusters(kept):
    folder = RecordFolder(kept)
    for key, record in folder.all().items():
        found, scores = folder.examples(key), np.load(kept / "scores" / f"{key}.npy")
        assert found.clusters is None
        assert found.ids == list(json.loads((kept / "predictions" / f"{key}.json").read_text()))
        assert list(found.items) == (["f1"] if record.task == "squad2" else [])
        np.testing.assert_array_equal(found.scores, scores)
        (kept / "predictions" / f"{key}.json").unlink()  # which may be left out
        assert folder.examples(key).ids == [str(number) for number in range(len(scores))]


@pytest.mark.parametrize(("part", "old", "new"), [("records", '"schema": 3', '"schema": 4'), ("records", ": 5", ": 6")])
def test_an_older_record_that_was_changed_by_hand_is_refused(kept, part, old, new):
    path = min((kept / part).glob("*.json"))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DamageError, match=path.name):
        RecordFolder(kept).verified()


@pytest.mark.parametrize("part", ["records", "scores", "predictions"])
def test_a_changed_byte_of_older_results_is_seen(kept, part):
    for path in sorted((kept / part).iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(DamageError, match=path.name):
            RecordFolder(kept).verified()
        path.write_bytes(content)


def test_a_manifest_of_schema_3_is_read(kept):
    assert read_manifest(kept).schema == 3
    assert len(read_manifest(kept).record_ids) == 8
