"""What the texts of the tasks share with the corpus, measured once for all formats and seeds."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.samples.inspection.ngram_overlap import Overlap, measure_overlaps


@dataclass(frozen=True, eq=False)
class Overlaps(Artifact):
    """Of each task that reads files, the 13-grams that its texts share with the documents that are trained on."""

    kind = "overlaps"
    stores: Stores
    tasks: tuple[TaskData, ...]

    def identity(self) -> Any:
        return [[task.options.name, task.key] for task in self.tasks]

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.stores,)

    def build(self, directory: Path) -> None:
        store = self.stores.training()
        starts = np.asarray(store.sentence_offsets)[np.asarray(store.document_offsets[:-1])]
        contexts = {task.options.name: self.stores.encode(task.contexts()) for task in self.tasks}
        found = measure_overlaps(contexts, self.stores.training_ids(), starts)
        write_json(directory / "overlaps.json", {name: asdict(overlap) for name, overlap in found.items()})

    def read(self) -> dict[str, Overlap]:
        """Return the overlap of each task by its name, measured on first use; none without tasks."""
        if not self.tasks:
            return {}
        return {name: Overlap(**values) for name, values in read_json(self.make() / "overlaps.json").items()}
