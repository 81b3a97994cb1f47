"""The number of threads is the model's: a run gives the same bytes whatever the machine offers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

# Sums that torch cuts by threads: LayerNorm's gradients over many tokens, products of wide layers.
WIDE = ("scale=smoke", "batch.sequences=24", "pretraining.max_steps=2", "stage=pretrain")
EVALUATED = (*WIDE[:-1], "tasks=[sst2,heldout_mlm]", "finetuning.untrained_row=false", "finetuning.max_steps=3")


@pytest.fixture
def weights(nsp, smoke_artifacts, tmp_path):
    """weights(2, "key=value", ...): the bytes of a new encoder where torch was left with 2 threads."""
    encoders = Path(smoke_artifacts.partition("=")[2]) / "encoders"

    def trained(torch_threads, *words):
        before, there = torch.get_num_threads(), set(encoders.glob("*"))
        torch.set_num_threads(torch_threads)
        try:
            ended = nsp(*WIDE, smoke_artifacts, *words)
            assert ended.status == 0, ended.err
            assert torch.get_num_threads() == torch_threads, "torch's own number comes back"
        finally:
            torch.set_num_threads(before)
        (encoder,) = {path for path in encoders.glob("*") if path.is_dir()} - there
        content = (encoder / "model.safetensors").read_bytes()
        shutil.rmtree(encoder)
        return content

    return trained


def test_weights_depend_on_the_models_threads_alone(weights):
    one = weights(1, "model.num_threads=1")
    assert weights(2, "model.num_threads=1") == one
    two = weights(1, "model.num_threads=2")
    assert two != one, "the law would hold of sums that no thread shares"
    assert weights(2, "model.num_threads=null") == two, "null is torch's own number"


def test_models_that_fit_in_a_cell_of_one_core_say_so(config):
    numbers = {name: config(f"model={name}").model.num_threads for name in ("micro", "laptop", "tiny", "base")}
    assert numbers == {"micro": 1, "laptop": 1, "tiny": None, "base": None}


def test_the_former_name_is_refused_with_the_new_one(refused):
    (line,) = refused("trainer.num_threads=2")
    assert line == "trainer.num_threads=2: is a setting of the model now; set model.num_threads=2"


@pytest.mark.slow
def test_results_do_not_depend_on_the_environments_threads_or_cores(project_root, tmp_path):
    """Records too, whose baselines numpy sums; times, places and the commit apart. 40 s."""
    found = {}
    core = min(os.sched_getaffinity(0))
    for name, before, threads in (
        ("unset", (), {}),
        ("one", (), {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "3"}),
        ("three", (), {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}),
        ("one core", ("taskset", "-c", str(core)), {}),
    ):
        directory = tmp_path / name
        directory.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.endswith("NUM_THREADS")} | threads
        command = [*before, sys.executable, str(project_root / "run.py"), *EVALUATED]
        subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True, timeout=300)
        files = [*directory.glob("artifacts/encoders/*/model.safetensors"), *directory.glob("results/**/*.npy")]
        found[name] = {file.relative_to(directory): file.read_bytes() for file in files}
        for file in directory.glob("results/adhoc/records/*.json"):
            record = json.loads(file.read_text())
            kept = ("metrics", "majority", "bag_of_words", "scores_sha256", "encoder")
            found[name][file.name] = [record[key] for key in kept], record["provenance"]["device"]
    assert len(found["unset"]) == 5
    assert all(each == found["unset"] for each in found.values())
