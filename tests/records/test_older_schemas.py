"""Results of every older schema that is read: one folder each, as the version of its day wrote it, stays readable.

`schema3/` holds two formats with two seeds on SQuAD 2.0 (twelve questions) and held-out perplexity, `schema4/` as many
with scores that were drawn, of SQuAD 2.0 and recall (six examples), each with the table that was made of them then.
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
from nsp_ablation.reporting.analysis.score_basis import basis_of
from nsp_ablation.reporting.records.digest import FIELD, digest_of
from nsp_ablation.reporting.records.manifest import read_manifest
from nsp_ablation.reporting.records.older_schemas import READ_SCHEMAS, SCHEMA, as_today
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder

KEPT = Path(__file__).parent
OLDER = [schema for schema in READ_SCHEMAS if schema != SCHEMA]


@pytest.fixture(params=OLDER)
def kept(request, tmp_path):
    """A copy of the results of an older schema."""
    return Path(shutil.copytree(KEPT / f"schema{request.param}", tmp_path / "kept"))


@pytest.fixture
def kept_of_3(tmp_path):
    return Path(shutil.copytree(KEPT / "schema3", tmp_path / "kept"))


@pytest.fixture
def kept_of_4(tmp_path):
    return Path(shutil.copytree(KEPT / "schema4", tmp_path / "kept"))


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


def test_records_of_schema_3_lack_what_it_had_not_and_keep_all_else(kept_of_3):
    folder, kept = RecordFolder(kept_of_3), kept_of_3
    assert (folder.older(), len(folder.verified())) == ([], 8)
    for key, record in folder.all().items():
        data = json.loads((kept / "records" / f"{key}.json").read_text())
        assert (record.schema, record.digest, record.metrics) == (3, data["digest"], data["metrics"])
        assert (record.ids_sha256, record.items_sha256, record.origin) == (None, None, None)
        assert record.pretraining.tokens == data["pretraining"]["tokens"] > 0
        assert (record.pretraining.maskable_tokens, record.pretraining.unique_tokens) == (None, None)
        assert (record.pretraining.device, record.pretraining.plateau) == (None, None)
        assert folder.is_done(key)


def test_records_of_schema_4_lack_what_it_had_not_and_keep_all_else(kept_of_4):
    folder = RecordFolder(kept_of_4)
    assert (folder.older(), len(folder.verified())) == ([], 8)
    for key, record in folder.all().items():
        data = json.loads((kept_of_4 / "records" / f"{key}.json").read_text())
        assert (record.schema, record.digest, record.metrics) == (4, data["digest"], data["metrics"])
        assert (record.pretraining.device, record.pretraining.plateau) == (None, None)
        assert record.pretraining.maskable_tokens == data["pretraining"]["maskable_tokens"] > 0
        found = folder.examples(key)
        assert found.clusters == ["a", "a", "b", "b", "c", "c"]
        assert set(found.items) == set(record.metrics)
        assert folder.is_done(key)


def test_records_of_schema_4_stand_in_one_mean_with_those_of_today(kept_of_4):
    """What came since is no part of a score; schema 3 lacks clusters and stands apart."""
    by_schema = {}
    for path in sorted((kept_of_4 / "records").glob("*recall*.json")):
        data = json.loads(path.read_text())
        for schema in (3, 4, SCHEMA):
            changed = as_today(data) | {"schema": schema}
            record = ResultRecord.from_json(changed | {FIELD: digest_of(changed)}, path)
            by_schema.setdefault(schema, set()).add(basis_of(record))
    assert by_schema[4] == by_schema[SCHEMA]
    assert not by_schema[3] & by_schema[4]


def test_examples_of_schema_3_have_scores_and_no_clusters(kept_of_3):
    folder, kept = RecordFolder(kept_of_3), kept_of_3
    for key, record in folder.all().items():
        found, scores = folder.examples(key), np.load(kept / "scores" / f"{key}.npy")
        assert found.clusters is None
        assert found.ids == list(json.loads((kept / "predictions" / f"{key}.json").read_text()))
        assert list(found.items) == (["f1"] if record.task == "squad2" else [])
        np.testing.assert_array_equal(found.scores, scores)
        (kept / "predictions" / f"{key}.json").unlink()  # which may be left out
        assert folder.examples(key).ids == [str(number) for number in range(len(scores))]


@pytest.mark.parametrize("name", ["schema", "primary_metric", "pretraining_seed"])
def test_an_older_record_that_was_changed_by_hand_is_refused(kept, name):
    path = min((kept / "records").glob("*.json"))
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {name: data[name] + ("x" if name == "primary_metric" else 1)}))
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


def test_a_manifest_of_an_older_schema_is_read(kept):
    assert read_manifest(kept).schema in OLDER
    assert len(read_manifest(kept).record_ids) == 8
