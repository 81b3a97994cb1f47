"""The command line: `python run.py [-m] key=value ...`; `nsp_ablation.cli` does it all."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
if (ROOT / "src").is_dir():  # a checkout runs its own code, whatever is installed
    sys.path.insert(0, str(ROOT / "src"))


def _start() -> None:
    """Let requests to stop and the terminal do no harm, from the first moment on; for a process of its own."""
    from nsp_ablation.base.display import guard_terminal
    from nsp_ablation.base.interrupts import exit_when_asked

    exit_when_asked()
    guard_terminal()


def main() -> None:
    """Do what was typed, over the files beside this one."""
    from nsp_ablation.cli import main as cli

    cli.main(sys.argv, ROOT)


if __name__ == "__main__":
    _start()
    main()
