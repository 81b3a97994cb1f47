"""What a run says in the terminal: one line a thing, the stage first."""

import sys


def say(stage: str, text: str) -> None:
    """Print one line of progress at once."""
    print(f"{stage:>9} | {text}", flush=True)


def say_error(text: str) -> None:
    """Print an error as one line on standard error."""
    one_line = " ".join(str(text).split())
    print(f"error: {one_line}", file=sys.stderr, flush=True)
