"""Examples of a task's files that are left out or refused: counted, and the first of them named."""

from collections import defaultdict
from dataclasses import dataclass, field

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.task_options import TaskOptions

_NUM_NAMED = 3


@dataclass
class Tally:
    """How many there are of a thing, and the first of them, in the order met. However many, memory stays the same."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, place: str) -> None:
        """Count one more, which stands at `place`."""
        self.count += 1
        if len(self.first) < _NUM_NAMED:
            self.first.append(place)

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return "; ".join(self.first) + (f"; and {more} more" if more else "")


class LeftOut:
    """What reading a split leaves out of its files, by the reason why."""

    def __init__(self) -> None:
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)

    def add(self, reason: str, place: str) -> None:
        """Count an example that is left out; `reason` says what it is, in the plural."""
        self._tallies[reason].add(place)

    def add_all(self, reason: str, tally: Tally) -> None:
        """Count all that a tally has met."""
        if tally.count:
            self._tallies[reason] = tally

    def lines(self) -> list[str]:
        """Return one line per reason: how many, why, and the first of them by file and line or id."""
        return [f"{reason} left out: {tally.count} ({tally})" for reason, tally in self._tallies.items()]


def settle_bad_questions(bad: Tally, task: TaskOptions, left_out: LeftOut, hint: str = "") -> None:
    """Leave bad questions out (`bad_questions=skip`), or raise InputError that counts them and names the first.

    `hint` says, before the remedy, what a good one is.
    """
    if task.bad_questions == "skip":
        left_out.add_all("bad questions", bad)
    elif bad.count:
        counted = f"{bad.count} bad question{'s' if bad.count > 1 else ''}: "
        remedy = f"mend them, or leave them out with tasks.{task.name}.bad_questions=skip"
        raise InputError(f"tasks.{task.name}: {counted}{bad}; {hint}{remedy}")
