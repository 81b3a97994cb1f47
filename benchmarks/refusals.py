"""How long a typo waits for its answer: whole processes, from the shell and back."""

import argparse
import statistics
import subprocess
import sys

from table import ROOT, in_turns, write_table

TYPED = {
    "an unknown option": ["format=dooc"],
    "a value in a planned study": ["-m", "experiment=table2_formats", "seed=1,2,3,4,5", "max_length=7"],
    "a combination in a late cell": [
        "-m",
        "format=segment_pair,sentence_pair,full",
        "masking=static,dynamic",
        "objective=mlm_nsp",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    seconds = in_turns({what: lambda typed=typed: _refused(typed) for what, typed in TYPED.items()}, arguments.rounds)
    rows = [
        [what, f"`python run.py {' '.join(TYPED[what])}`", f"{statistics.median(times):.2f} s", f"{max(times):.2f} s"]
        for what, times in seconds.items()
    ]
    notes = [f"Wall time of the whole command, {arguments.rounds} rounds in turns; each ends in one line and status 2."]
    write_table("refusals", "Refusals", ["what is wrong", "typed", "median", "slowest"], rows, notes)


def _refused(typed: list[str]) -> None:
    ended = subprocess.run([sys.executable, "run.py", *typed], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 2, ended.stderr


if __name__ == "__main__":
    main()
