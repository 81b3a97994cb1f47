"""The command line: `python run.py [-m] key=value ...`; `nsp_ablation.cli` does it all."""

import os
import signal
import sys

_ROOT = os.path.dirname(os.path.realpath(__file__))
if os.path.isdir(os.path.join(_ROOT, "src")):  # a checkout runs its own code, whatever is installed
    sys.path.insert(0, os.path.join(_ROOT, "src"))


def _end(signum, frame):
    """End in one line, as long as nothing has begun and hardly anything is imported."""
    os.write(2, f"error: stopped by {signal.Signals(signum).name}; the same command goes on from there\n".encode())
    os._exit(128 + signum)


def _start() -> None:
    """Let requests to stop and the terminal do no harm, from the first moment on; for a process of its own."""
    if sys.platform == "win32":
        sys.exit("error: Windows has no POSIX signals and file locks, which this program needs; run it in WSL 2")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(signum, _end)
    from nsp_ablation.base.display import guard_terminal
    from nsp_ablation.base.interrupts import exit_when_asked

    exit_when_asked(instead_of=_end)
    guard_terminal()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy's; sums of baselines and tables do not depend on the cores


def main() -> None:
    """Do what was typed, over the files beside this one."""
    from pathlib import Path

    from nsp_ablation.cli import main as cli

    cli.main(sys.argv, Path(_ROOT))


if __name__ == "__main__":
    _start()
    main()
