"""`stage=status`: how the cells of sweeps stand, wherever they run, from the files that the cells themselves keep.

It holds no lock, writes nothing and loads neither torch nor numpy, so it may be asked at any time, of any folder.
"""

import datetime
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.console import say, say_error
from nsp_ablation.reporting.records.standings import STATES, Standing, SweepStanding, standing_of, sweep_folders

_SOUND = {"running", "waiting", "done"}
_MAX_NAMED = 5  # sweeps that an error lists


def show_status(cells: list[tuple[Config, list[str]]]) -> int:
    """Print, for each sweep that is asked for, a line of counts and a line per cell that is not done.

    `cells` are (configuration, what was typed) of a command. A name stands for the sweeps at and below its folder;
    without one, all below `paths.results` are shown. Returns 0 if every cell is done or may still be, else 1. Raises
    InputError for a name without a sweep.
    """
    options, folders = cells[0][0].status, list[tuple[str, Path]]()
    for root, name in dict.fromkeys((config.paths.results, _asked(config, words)) for config, words in cells):
        folders += [each for each in _sweeps(Path(root), name) if each not in folders]
    now = datetime.datetime.now(datetime.UTC)
    found = {title: standing_of(folder, now, options.silent_seconds) for title, folder in folders}
    for title, sweep in found.items():
        _show(title, sweep, options.all)
    if len(found) > 1:
        say("status", f"{len(found)} sweeps: {_counts(cell for sweep in found.values() for cell in sweep.cells)}")
    is_sound = all({cell.state for cell in sweep.cells} <= _SOUND and not sweep.problems for sweep in found.values())
    return 0 if is_sound else 1


def _asked(config: Config, words: list[str]) -> str | None:
    """Return the name that was asked for, None where it is the default that nobody typed."""
    is_typed = any(word.startswith("name=") for word in words)
    return config.name if is_typed or config.name != Config.name else None


def _sweeps(root: Path, name: str | None) -> list[tuple[str, Path]]:
    """Return (title, folder) of the sweeps at and below a name, or of all; says what cannot be listed."""
    top = root if name is None else root / name
    folders = sweep_folders(top, _say_unreadable)
    if folders:
        return [(str(folder.relative_to(root)) if folder != root else str(root), folder) for folder in folders]
    if name is None:
        say("status", f"no sweep below {root}; paths.results=DIR names another folder")
        return []
    others = [str(folder.relative_to(root)) for folder in sweep_folders(root, lambda error: None)]
    listed = ", ".join(others[:_MAX_NAMED]) + (f" and {len(others) - _MAX_NAMED} more" if others[_MAX_NAMED:] else "")
    raise InputError(
        f"name={name}: no sweep at or below {top}; {f'there are: {listed}' if others else 'there is none'}"
    )


def _say_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        say_error(f"{error.filename} cannot be listed ({error.strerror}); make it readable")


def _show(title: str, sweep: SweepStanding, with_done: bool) -> None:
    say("status", f"{title}: {_counts(sweep.cells)}")
    for problem in sweep.problems:
        say_error(problem)
    shown = [cell for state in STATES for cell in sweep.cells if cell.state == state and (with_done or state != "done")]
    width = max((len(cell.name) for cell in shown), default=0)
    for cell in shown:
        say(cell.state, f"{cell.name:<{width}} | {cell.text}" if cell.text else cell.name)
    if sweep.command and any(cell.state not in _SOUND for cell in sweep.cells):
        say("status", f"the same command goes on from there: {sweep.command}")


def _counts(cells: Iterable[Standing]) -> str:
    """Return how many cells are in each state: "20 cells: 3 running, 17 done"."""
    counts = Counter(cell.state for cell in cells)
    total = counts.total()
    each = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{total} cell{'' if total == 1 else 's'}{f': {each}' if each else ''}"
