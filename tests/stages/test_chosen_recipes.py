"""`finetuning.selection`: a recipe is chosen once for all fine-tuning seeds; record and caption tell how."""

import json

import pytest

pytestmark = pytest.mark.slow

WORDS = ("scale=smoke", "stage=finetune", "encoder=random", "tasks=[sst2]", "finetuning.seeds=[2,5]", "name=chosen")
GRID = ("finetuning.selection=train_tenth", "finetuning.grid.learning_rates=[1e-3,1e-2]", "finetuning.max_steps=2")


def test_a_recipe_is_chosen_once_and_its_record_tells_how(nsp, tmp_path):
    ended = nsp(*WORDS, *GRID)
    assert ended.status == 0, ended.err
    records = [json.loads(path.read_text()) for path in (tmp_path / "results/chosen/records").glob("*.json")]
    assert sorted(record["finetuning_seed"] for record in records) == [2, 5]
    first, second = (record["finetuning"]["selection"] for record in records)
    assert first == second
    assert (first["how"], first["seed"], len(first["trials"])) == ("train_tenth", 2, 2)
    assert [trial["learning_rate"] for trial in first["trials"]] == [1e-3, 1e-2]
    best = [max(trial["scores"]) for trial in first["trials"]]
    assert first["chosen"] == best.index(max(best))
    selections = [path for path in (tmp_path / "artifacts/selections").iterdir() if path.is_dir()]
    assert [f"selections/{path.name}" for path in selections] == [
        name for name in records[0]["made_from"] if name.startswith("selections/")
    ]
    assert not list((tmp_path / "artifacts/runs").glob("*/*"))
    page = " ".join((tmp_path / "results/chosen/report/table.md").read_text().split())
    assert "Recipes were chosen on a hashed tenth of the training examples" in page
