"""What the cells of a sweep that run at once show: each line of a cell with its name, and how far each of them is.

In a terminal one line per running cell stands at the bottom and is drawn anew; elsewhere a cell's line is printed when
its phase changes, and every ten seconds where it tells something new. How far a cell is, is read from its own file in
the sweep's folder, and said by the cell itself where its stage keeps none (`stage=pretrain`).
"""

import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from nsp_ablation.base.errors import StatedError
from nsp_ablation.pipeline.console import is_progress, say_error
from nsp_ablation.reporting.records.sweep_cell import read_cell

_PLAIN_SECONDS, _TERMINAL_SECONDS = 10.0, 0.5
_ERROR = "error: "


@dataclass
class ShownCell:
    """A running cell: its name, the sweep's folder and key of its file (None: it keeps none), its log."""

    name: str
    file: tuple[Path, str] | None
    log: TextIO | None
    text: str = ""
    phase: str = ""
    said: str = ""
    said_seconds: float = 0.0
    rest: bytes = b""
    started: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Read how far it is, where it keeps a file."""
        if self.file is None:
            return
        try:
            found = read_cell(*self.file)
        except (StatedError, OSError):  # damaged meanwhile; it is written anew
            return
        if found is not None and found.progress is not None and found.status == "running":
            self.text, self.phase = found.progress.text(), found.progress.phase

    @property
    def may_share_encoder(self) -> bool:
        """Whether it is past the training of its encoder, so that others find that made."""
        self.look()
        return self.phase.startswith(("finetune", "probe"))


class CellLines:
    """Shows running cells on standard output, errors on standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._cells: list[ShownCell] = []
        self._said_of_data: set[str] = set()
        self._num_drawn = 0
        self._drawn_seconds = 0.0
        self.seconds = _TERMINAL_SECONDS if self._is_terminal else 1.0

    def add(self, cell: ShownCell) -> None:
        """Show a cell from now on."""
        self._cells.append(cell)

    def remove(self, cell: ShownCell, text: str) -> None:
        """Show how a cell ended, and no more of it."""
        if cell.rest:
            self.hear(cell, b"\n")
        self._cells.remove(cell)
        self.say(cell.name, text)
        if cell.log is not None:
            cell.log.close()

    def hear(self, cell: ShownCell, content: bytes) -> None:
        """Take what a cell has written: whole lines go to its log and, but for progress, to the terminal."""
        *lines, cell.rest = (cell.rest + content).split(b"\n")
        for line in (each.decode("utf-8", "replace").rstrip() for each in lines):
            self._keep(cell, line)
            if line.startswith(_ERROR):
                self.say_error(f"{cell.name}: {line.removeprefix(_ERROR)}")
            elif not is_progress(line):
                if self._is_new(line):
                    self.say(cell.name, line.strip())
            elif cell.file is None:
                cell.text = line.partition(" | ")[2]
                if not self._is_terminal:
                    self.say(cell.name, line.strip())

    def _is_new(self, line: str) -> bool:
        """Whether no cell has shown this line: those of the data card are mostly those of the cells before."""
        if not line.strip().startswith("card |"):
            return True
        is_new = line not in self._said_of_data
        self._said_of_data.add(line)
        return is_new

    def say(self, name: str, text: str) -> None:
        """Print a line of a cell."""
        if text:
            self._clear()
            print(f"{name} | {text}", flush=True)

    def say_error(self, text: str) -> None:
        """Print an error as one line on standard error."""
        self._clear()
        say_error(text)

    def tick(self) -> None:
        """Show how far the cells are, where it is time."""
        now = time.monotonic()
        if self._is_terminal:
            if now - self._drawn_seconds >= _TERMINAL_SECONDS:
                self._draw(now)
            return
        for cell in self._cells:
            before = cell.phase
            cell.look()
            is_due = now - cell.said_seconds >= _PLAIN_SECONDS
            if cell.file is not None and cell.text != cell.said and (cell.phase != before or is_due):
                cell.said, cell.said_seconds = cell.text, now
                self.say(cell.name, cell.text)

    def end(self) -> None:
        """Take the lines at the bottom away."""
        self._clear()
        self._cells.clear()

    def _draw(self, now: float) -> None:
        self._clear()
        self._drawn_seconds = now
        columns, rows = shutil.get_terminal_size()
        lines = []
        for cell in self._cells[: max(rows - 2, 1)]:
            cell.look()
            lines.append(f"{cell.name} | {cell.text or 'starts'}"[: max(columns - 1, 1)])  # one that wraps is two
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        self._num_drawn = len(lines)

    def _clear(self) -> None:
        if self._num_drawn:
            sys.stdout.write(f"\x1b[{self._num_drawn}A\x1b[J")
            sys.stdout.flush()
            self._num_drawn = 0

    @staticmethod
    def _keep(cell: ShownCell, line: str) -> None:
        """Write a line to the cell's log; a log that cannot be written ends, and the cell goes on."""
        if cell.log is None:
            return
        try:
            cell.log.write(f"{line}\n")
            cell.log.flush()
        except OSError as error:
            say_error(f"{cell.name}: its log cannot be written ({error.strerror}); no more of it is kept")
            cell.log = None
