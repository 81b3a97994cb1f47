"""The choice of a recipe for an encoder on a task, made once and used with every fine-tuning seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.owned_paths import make_directory, owned, remove_own
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.chain import RUN_FILES, Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import Encoder
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.reporting.records.selection_facts import SelectionFacts, TrialFacts
from nsp_ablation.reporting.records.sweep_cell import CellProgress


@dataclass(frozen=True, eq=False)
class Selection(Artifact):
    """Every recipe of the grid tried with the first fine-tuning seed, and which is taken (`selection.json`)."""

    kind = "selections"
    config: Config
    encoder: Encoder
    task: TaskData

    @property
    def seed(self) -> int:
        """The fine-tuning seed that recipes are tried with."""
        return self.config.finetuning.seeds[0]

    def identity(self) -> Any:
        return [self.encoder.science, self.seed]

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.encoder, self.task)

    def build(self, directory: Path) -> None:
        """Try the recipes, from where an interrupted choice stopped. Raises as a fine-tuning does."""
        with heavy_imports():
            from nsp_ablation.learning.finetuning.recipe_selection import TRIALS_FILE, as_facts, chosen, try_recipes

        config, task, state = self.config, self.task.options, make_directory(owned(self.root, "runs", self.key))
        trials = try_recipes(
            str(self.encoder.make()),
            task,
            config.finetuning,
            config.trainer,
            max_length=config.max_length,
            seed=self.seed,
            state=state,
            checkpoint_seconds=config.pretraining.checkpoint_seconds,
            on_progress=self._tell,
            on_resume=lambda update: say("finetune", f"{task.name}: a trial resumed at update {update}"),
        )
        best = chosen(trials)
        facts = {"how": config.finetuning.selection, "seed": self.seed, "trials": as_facts(trials)}
        write_json(directory / "selection.json", facts | {"chosen": best.trial, "epochs": best.epochs})
        remove_own(state, *RUN_FILES, TRIALS_FILE)

    def facts(self) -> SelectionFacts:
        """Return what records tell of the choice, made on first use."""
        data = read_json(self.make() / "selection.json")
        return SelectionFacts(**{**data, "trials": [TrialFacts(**each) for each in data["trials"]]})

    def _tell(self, number: int, of: int, step: int, steps: int, loss: float) -> None:
        phase = f"finetune {self.task.options.name}: recipe {number}/{of}"
        self.encoder.hear(CellProgress(phase, step, steps, loss=loss))


def selection_of(config: Config, encoder: Encoder, task: TaskData) -> Selection | None:
    """Return the choice of a recipe, None where the recipe is given or nothing is trained."""
    if config.finetuning.selection == "none" or task.facts.is_probe:
        return None
    return Selection(encoder.root, config, encoder, task)
