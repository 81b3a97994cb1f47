"""A few minutes on a GPU: is every CUDA path right, and how fast does BERT-base train?

    python benchmarks/gpu_check.py [--seconds 300] [--parts environment,attention,...] [--output DIR]

Every line is what was found beside what is expected, marked `ok` or `LOOK`. Parts run in order of what they tell; one
that fails or finds no time left says so and the next one goes on. `--device cpu` runs what a CPU can at tiny sizes, the
attention operators by stand-ins, which says nothing of a GPU: it is a test of this program.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from table import RESULTS, write_table  # noqa: E402

PARTS = ("environment", "attention", "dropout", "determinism", "objective", "heldout", "vocabulary", "speed")


@dataclass
class Line:
    """One finding; `ok` None is a figure that nothing is expected of."""

    part: str
    what: str
    found: str
    expected: str
    ok: bool | None

    @property
    def mark(self) -> str:
        return {None: "", True: "ok", False: "LOOK"}[self.ok]


@dataclass
class Check:
    """The findings on a device, and the seconds that are left for more."""

    device: Any
    seconds: float
    lines: list[Line] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def on_gpu(self) -> bool:
        return bool(self.device.type == "cuda")

    @property
    def precision(self) -> str:
        return "bf16-mixed" if self.on_gpu else "32-true"

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    def note(self, part: str, what: str, found: Any, expected: str = "", ok: bool | None = None) -> None:
        """Add a finding and say it."""
        self.lines.append(Line(part, what, str(found), expected, None if ok is None else bool(ok)))
        line = self.lines[-1]
        print(
            f"{time.monotonic() - self.started:5.0f} s {part} | {what} | {found} | {expected} | {line.mark}", flush=True
        )

    def milliseconds(self, call: Callable[[], Any], repeats: int = 10) -> float:
        """Return the median time of a call after three that are not timed; a GPU is waited for."""
        import statistics

        times = []
        for number in range(repeats + 3):
            self.wait()
            started = time.perf_counter()
            call()
            self.wait()
            if number >= 3:
                times.append((time.perf_counter() - started) * 1e3)
        return statistics.median(times)

    def wait(self) -> None:
        """Wait until the device has done what was asked of it."""
        import torch

        if self.on_gpu:
            torch.cuda.synchronize(self.device)


def main(arguments: list[str]) -> int:
    """Run the parts, write the table; return 1 if something is to be looked at."""
    options = parse(arguments)
    from nsp_ablation.base.process import set_up_cpu

    set_up_cpu()
    import torch

    check = Check(torch.device(options.device), options.seconds)
    if check.on_gpu and not torch.cuda.is_available():
        print("gpu_check: torch sees no GPU on this machine; --device cpu tests the program alone", file=sys.stderr)
        return 2
    if not check.on_gpu:
        import attention_stand_ins

        attention_stand_ins.register()
    run_parts(check, options.parts.split(","))
    write(check, options)
    return int(any(line.ok is False for line in check.lines))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--output", default=str(RESULTS))
    return parser.parse_args(arguments)


def run_parts(check: Check, names: list[str]) -> None:
    import gpu_attention
    import gpu_training

    for name in names:
        part = getattr(gpu_attention, name, None) or getattr(gpu_training, name)
        if check.left < 5:
            check.note(name, "the whole part", "no time left", "raise --seconds", ok=False)
            continue
        try:
            part(check)
        except Exception as error:  # what the check is for: the other parts still tell something
            traceback.print_exc()
            check.note(name, "the rest of the part", repr(error)[:200].replace("|", "/"), "runs", ok=False)


def write(check: Check, options: argparse.Namespace) -> None:
    """Write the table of all lines, and the same as JSON."""
    import torch

    looks = sum(line.ok is False for line in check.lines)
    notes = [f"{len(check.lines)} lines, {looks} to look at (LOOK)."]
    if not check.on_gpu:
        notes.append(
            "On a CPU, the attention operators by stand-ins: this tests the program, and says nothing of a GPU."
        )
    write_table(
        f"gpu-{options.device}",
        "The check of the CUDA path",
        ["part", "what", "found", "expected", ""],
        [[line.part, line.what, line.found, line.expected, line.mark] for line in check.lines],
        notes,
        details={"lines": [asdict(line) for line in check.lines]},
        directory=Path(options.output),
        gpu=torch.cuda.get_device_name() if check.on_gpu else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
