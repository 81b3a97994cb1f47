"""What a run says in the terminal: one line a thing, the stage first."""

import re
import sys

# What `ProgressLine` and fine-tuning say every few seconds (tests/stages/test_side_by_side.py holds it to them).
_PROGRESS = re.compile(r" \| (?:[^|]+: )?update \d+/\d+  loss ")


def say(stage: str, text: str) -> None:
    """Print one line of progress at once."""
    print(f"{stage:>9} | {text}", flush=True)


def say_error(text: str) -> None:
    """Print an error as one line on standard error."""
    one_line = " ".join(str(text).split())
    print(f"error: {one_line}", file=sys.stderr, flush=True)


def is_progress(line: str) -> bool:
    """Whether a line that was said only tells how far a training is."""
    return _PROGRESS.search(line) is not None
