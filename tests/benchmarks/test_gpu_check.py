"""The GPU check runs on a CPU, and marks what is not as expected."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = {path.stem for path in BENCHMARKS.glob("*.py")}


@pytest.fixture
def program(attention_stand_ins, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    module = importlib.import_module("gpu_check")
    yield module
    for name in OURS & (set(sys.modules) - before):
        del sys.modules[name]


def check(program, tmp_path, parts):
    status = program.main(["--device", "cpu", "--parts", parts, "--output", str(tmp_path)])
    table = (tmp_path / "gpu-cpu.md").read_text()
    lines = json.loads((tmp_path / "gpu-cpu.json").read_text())["lines"]
    assert sum(row.startswith("|") for row in table.splitlines()) == len(lines) + 2
    return status, lines


@pytest.mark.slow
def test_every_part_but_speed_is_as_expected_on_a_cpu(program, tmp_path):
    status, lines = check(program, tmp_path, ",".join(part for part in program.PARTS if part != "speed"))
    assert (status, [line for line in lines if line["ok"] is False]) == (0, [])
    assert {line["part"] for line in lines} == set(program.PARTS) - {"speed"}
    assert sum(line["ok"] is True for line in lines) >= 18


def test_a_wrong_kernel_is_marked_and_the_other_parts_go_on(program, tmp_path, monkeypatch):
    gpu_attention = importlib.import_module("gpu_attention")
    right = gpu_attention.flat_attention
    monkeypatch.setattr(gpu_attention, "flat_attention", lambda packed, *others: right(packed, *others) * 1.05)
    status, lines = check(program, tmp_path, "attention,environment")
    assert status == 1
    assert all(line["ok"] is False for line in lines if line["part"] == "attention")
    monkeypatch.setattr(gpu_attention, "attention", lambda check: 1 / 0)
    status, lines = check(program, tmp_path, "attention,environment")
    assert (status, [line["ok"] for line in lines if line["part"] == "attention"]) == (1, [False])
    assert lines[-1]["part"] == "environment"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_without_a_gpu_it_says_so(program, tmp_path, capsys):
    assert program.main(["--output", str(tmp_path)]) == 2
    assert "sees no GPU" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
