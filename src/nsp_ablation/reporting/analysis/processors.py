"""Processors: the results of one pre-training seed that were made on different ones, though arms are paired by it.

Kernels of different processors round differently, and over thousands of updates that moves a run about as far as
another seed would; a difference of two arms is then no longer one between them alone.
"""

import re
from collections.abc import Callable, Iterable

from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.records.record import ResultRecord

_Device = Callable[[ResultRecord], str | None]
_NUM_NAMED = 3  # seeds of which a warning names the cells
# How a record's device stands in a sentence, and where it is. Threads are a setting, and change no processor.
_KINDS: tuple[tuple[str, _Device], ...] = (
    ("pre-trained", lambda record: record.pretraining.device if record.pretraining else None),
    ("evaluated", lambda record: record.provenance.device),
)
_THREADS = re.compile(r",? \d+ threads?$")


def processor_warnings(study: Study) -> list[str]:
    """Return a line for pre-training, and one for evaluation, where arms of one seed ran on different processors.

    Trained arms alone, of each task by itself; devices that are not known (records before schema 5 do not name that of
    pre-training) differ from none. The line names the cells of three seeds at most.
    """
    found = []
    for what, device_of in _KINDS:
        seeds: dict[int, dict[str, set[str]]] = {}
        for seed, by_processor in _paired(study, device_of):
            if len(by_processor) > 1:
                cells = seeds.setdefault(seed, {})
                for processor, arms in by_processor.items():
                    cells.setdefault(processor, set()).update(study.labels[arm] for arm in arms)
        if seeds:
            found.append(_line(what, dict(sorted(seeds.items()))))
    return found


def _paired(study: Study, device_of: _Device) -> Iterable[tuple[int, dict[str, set[StudyArm]]]]:
    """Return by seed and task which arms ran on each processor."""
    found: dict[tuple[int, str], dict[str, set[StudyArm]]] = {}
    for (arm, task), pool in study.scores.pools.items():
        for record in pool.records if arm.kind == "trained" else []:
            device = device_of(record)
            if device is not None and record.pretraining_seed is not None:
                processor = _THREADS.sub("", device)
                found.setdefault((record.pretraining_seed, task), {}).setdefault(processor, set()).add(arm)
    return [(seed, by_processor) for (seed, _), by_processor in found.items()]


def _line(what: str, seeds: dict[int, dict[str, set[str]]]) -> str:
    texts = [
        f"seed {seed}: {'; '.join(f'{_joined(labels)} on {processor}' for processor, labels in sorted(cells.items()))}"
        for seed, cells in seeds.items()
    ]
    more = f" (and {len(texts) - _NUM_NAMED} more seeds)" if len(texts) > _NUM_NAMED else ""
    remedy = "run all arms of a seed on one, since other kernels move a run as another seed does"
    return f"paired cells were {what} on different processors ({remedy}): {' | '.join(texts[:_NUM_NAMED])}{more}"


def _joined(labels: set[str]) -> str:
    return ", ".join(sorted(labels))
