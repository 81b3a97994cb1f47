"""The program as a process of its own: `nsp-ablation` of a wheel, and `python run.py` of a checkout.

Nothing heavy is imported here: a request to stop, a terminal that is closed and Windows are seen to first.
"""

import os
import signal
import sys
from types import FrameType


def run() -> None:
    """Do what was typed, as the console script `nsp-ablation`."""
    start()
    main()


def start() -> None:
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
    """Do what was typed, over the configurations of the checkout or of the wheel, and exit."""
    from pathlib import Path

    from nsp_ablation.cli.main import main as cli

    package = Path(__file__).parents[1]
    is_wheel = (package / "conf").is_dir()  # a wheel has conf/ and experiments/ in the package, a checkout beside src/
    cli(sys.argv, package if is_wheel else package.parents[1])


def _end(signum: int, frame: FrameType | None) -> None:
    """End in one line, as long as nothing has begun and hardly anything is imported."""
    os.write(2, f"error: stopped by {signal.Signals(signum).name}; the same command goes on from there\n".encode())
    os._exit(128 + signum)
