"""The commands that the program prints start it as the user did."""

import pytest

from nsp_ablation.base.program_name import command_of, typed_command, typed_program


@pytest.mark.parametrize(
    ("argv", "program", "command"),
    [
        (["run.py", "seed=1"], "python run.py", ["python", "run.py", "seed=1"]),
        (["../nsp/run.py"], "python run.py", ["python", "../nsp/run.py"]),
        (["/home/me/.venv/bin/nsp-ablation", "-m", "seed=1,2"], "nsp-ablation", ["nsp-ablation", "-m", "seed=1,2"]),
        (["nsp-ablation"], "nsp-ablation", ["nsp-ablation"]),
    ],
)
def test_a_command_starts_the_program_as_it_was_typed(monkeypatch, argv, program, command):
    monkeypatch.setattr("sys.argv", argv)
    assert typed_program() == program
    assert typed_command(argv) == command
    assert command_of(["seed=1", "tasks=[a, b]"]) == f"{program} seed=1 'tasks=[a, b]'"
    assert command_of([]) == program
