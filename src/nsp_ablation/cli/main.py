"""The command line: every cell is composed and checked before the first one runs.

Exit status: 0 if every cell succeeded, 1 if one failed, 2 if the configuration is refused (one line per problem), 128
and the signal's number if Ctrl-C, SIGTERM, a closed terminal or Slurm stopped it (130, 143, 129, 138). What the
terminal does with the output changes none of that.
"""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from nsp_ablation.base.errors import StatedError, redacted
from nsp_ablation.base.interrupts import Stopped, stops_at_once
from nsp_ablation.base.program_name import typed_command
from nsp_ablation.base.slurm_queue import requeue
from nsp_ablation.cli.answers import answer
from nsp_ablation.cli.arguments import answers, parse_arguments
from nsp_ablation.cli.hydra_bridge import Composer, launch
from nsp_ablation.cli.planned_cells import Plan, open_composer, plan
from nsp_ablation.config.problem import ConfigurationError

_SOURCE = Path(__file__).parents[2]  # where `nsp_ablation` is imported from
_STOPPED = 128  # a status above it is 128 + the number of the signal that asked to stop


def main(argv: list[str], root: Path) -> None:
    """Do what was typed and exit. `argv` as `sys.argv`; `root` holds conf/ and experiments/."""
    command = shlex.join(typed_command(argv))
    try:
        arguments = parse_arguments(argv[1:])
        composer = open_composer(arguments, root)
        for flag in answers(arguments):
            answer(flag, arguments, composer, root)
            sys.exit(0)
        planned = plan(arguments, composer)
    except ConfigurationError as refusal:
        for line in refusal.lines:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
    if planned.repeated:
        print(f"note: {_repeated(planned)}", file=sys.stderr)
    error: str | None = None
    try:
        with stops_at_once():
            status = _run(planned, composer, command)
    except Stopped as stop:  # between two cells, or in the report
        _end_stopped(stop)
    except StatedError as stated:  # of the sweep's own files
        error, status = str(stated), 1
    except Exception as mistake:
        from nsp_ablation.base.mistakes import log_mistake  # numpy, for which a refusal should not wait

        error, status = log_mistake(mistake, None), 1
    if error is not None:
        print(f"error: {' '.join(error.split())}", file=sys.stderr)
    sys.exit(status)


def _end_stopped(stop: Stopped) -> NoReturn:
    """Say that this command was asked to stop, and put its job back into Slurm's queue where that was meant."""
    print(f"error: {stop.line}", file=sys.stderr, flush=True)
    try:
        requeue(stop.signum)
    except StatedError as refusal:
        print(f"error: {refusal}", file=sys.stderr)
    sys.exit(stop.code)


def _run(planned: Plan, composer: Composer, command: str) -> int:
    """Run the checked cells and return the exit status; stages that make records end with their sweep's table."""
    if planned.cells[0].config.stage == "status":  # of files alone: without what a run needs
        from nsp_ablation.stages.status import show_status

        return show_status([(cell.config, cell.overrides) for cell in planned.cells])
    from nsp_ablation.stages.cell import has_table, prints_samples
    from nsp_ablation.stages.needed_device import check_devices

    configs = [cell.config for cell in planned.cells]
    if planned.launcher_words is None:  # else the cells run on machines of their own
        check_devices(configs)
    if not has_table(configs[0]):
        status = _run_cells(planned, composer)
        if status == 0 and prints_samples(configs[0]):
            from nsp_ablation.stages.in_range import say_in_range

            say_in_range(configs)
        return status
    from nsp_ablation.stages.report import finish_sweep, sweep

    with sweep(configs, [cell.overrides for cell in planned.cells], command):
        status = _run_cells(planned, composer)
        return status if status > _STOPPED else max(status, finish_sweep(configs))


def _run_cells(planned: Plan, composer: Composer) -> int:
    """Run cells side by side, one by one in this process, or through Hydra's launcher where one is asked for, and
    return the exit status."""
    from nsp_ablation.stages.cell import run_cell

    if planned.launcher_words is None:
        from nsp_ablation.stages.num_cells import slots_of

        configs, overrides = [cell.config for cell in planned.cells], [cell.overrides for cell in planned.cells]
        if len(slots := slots_of(configs)) > 1:
            from nsp_ablation.stages.side_by_side import run_side_by_side

            return run_side_by_side(configs, overrides, slots)
        return _worst(run_cell(cell.config, cell.overrides) for cell in planned.cells)
    if any(word.startswith("hydra/launcher=") and "slurm" in word for word in planned.launcher_words):
        from nsp_ablation.base.shared_disks import check_shared_locks

        check_shared_locks((planned.cells[0].config.paths.artifacts, planned.cells[0].config.paths.results))
    try:
        return _worst(launch(composer, planned.launcher_words, [cell.words for cell in planned.cells], _SOURCE))
    except Exception as error:  # a launcher's own: a job that died, a cluster that refuses
        print(f"error: hydra/launcher: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def _repeated(planned: Plan) -> str:
    """Return which cells are left out, as one line: the first of them with the cell that it equals."""
    left_out, equal = (" ".join(cell.overrides) for cell in planned.repeated[0])
    count = len(planned.repeated)
    others = f", and {count - 1} more such" if count > 1 else ""
    return redacted(f"one cell under two names runs once: {left_out} is {equal}{others}")


def _worst(statuses: Iterable[int]) -> int:
    """Return the worst exit status of cells, or that of the signal that stopped them."""
    try:
        return max(statuses, default=0)
    except Stopped:  # between two cells: not said yet
        raise
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) and stop.code > _STOPPED else int(bool(stop.code))
