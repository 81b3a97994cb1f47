"""Which refusals a newer Hydra still answers in one line: run by hand, in an environment that has one.

    python -m venv /tmp/next && /tmp/next/bin/pip install --pre 'hydra-core>=1.4.0rc1' 'omegaconf>=2.4.1rc1'
    /tmp/next/bin/python benchmarks/hydra_next.py

Torch is not needed: a refusal loads no heavy library. Commands are those of `tests/cli/test_refusals.py`.
"""

import ast
import contextlib
import io
import os
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
warnings.simplefilter("always")


def main() -> None:
    import hydra
    import omegaconf

    from nsp_ablation.cli.main import main as command

    differing = 0
    os.chdir(tempfile.mkdtemp())
    rows = refusals()
    for typed, beginning, more in rows:
        printed = io.StringIO()
        status = None
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(io.StringIO()):
            try:
                command(["run.py", *typed.split()], ROOT)
            except SystemExit as stop:
                status = stop.code
            except Exception as error:  # the point of the script: what escapes is shown
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
        lines = printed.getvalue().splitlines()
        expected = status == 2 and len(lines) == 1 and lines[0].startswith(f"error: {beginning}") and more in lines[0]
        if not expected:
            differing += 1
            print(f"{typed}\n  expected {beginning} ... {more}\n  got status {status}, {len(lines)} lines:")
            print("\n".join(f"    {line}" for line in lines[:6]))
    print(f"hydra-core {hydra.__version__}, omegaconf {omegaconf.__version__}: ", end="")
    print(f"{len(rows) - differing} of {len(rows)} refusals are the one line that is expected")


def refusals() -> list[tuple[str, str, str]]:
    """Return (command, beginning of its line, something that it must also say) of the test's table."""
    for node in ast.parse((ROOT / "tests/cli/test_refusals.py").read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "REFUSED":
            return ast.literal_eval(node.value)
    raise SystemExit("tests/cli/test_refusals.py has no table REFUSED")


if __name__ == "__main__":
    main()
