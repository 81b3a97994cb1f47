"""How encoders are fine-tuned (Liu et al. 2019, section 5 and table 10)."""

from dataclasses import dataclass, replace
from itertools import product

from nsp_ablation.options.setting import MAX_SEED, REQUIRED, identity, machine, science


@dataclass
class RecipeOptions:
    """How one task is fine-tuned; null takes the value of `finetuning.recipe`."""

    learning_rate: float | None = science(None, "Peak learning rate.", low=1e-12, high=10.0)
    batch_size: int | None = science(None, "Examples per update.", low=1, high=2**24)
    num_epochs: float | None = science(None, "Passes over the training examples.", low=0.001, high=1e6)
    weight_decay: float | None = science(None, "Decoupled weight decay.", low=0.0, high=10.0)
    max_train_examples: int | None = science(
        None,
        "Training examples at most, of whole articles or passages chosen by hash; null in both: all.",
        low=1,
        high=2**40,
    )


@dataclass(frozen=True)
class Recipe:
    """How one task is fine-tuned, every value known (`max_train_examples` None: all of them); names and units are those
    of `RecipeOptions`."""

    learning_rate: float
    batch_size: int
    num_epochs: float
    weight_decay: float
    max_train_examples: int | None = None


@dataclass
class GridOptions:
    """Recipes to choose from, every combination of these; an empty list takes the task's own value."""

    learning_rates: list[float] = science([], "Peak learning rates.", low=1e-12, high=10.0)
    batch_sizes: list[int] = science([], "Examples per update.", low=1, high=2**24)
    num_epochs: list[float] = science([], "Passes over the training examples.", low=0.001, high=1e6)


@dataclass
class FinetuningOptions:
    """Fine-tuning: what all tasks share, and a recipe for each."""

    name: str = science(REQUIRED, "Whose recipes these are.")
    untrained_row: bool = machine(False, "Fine-tune an encoder without pre-training alike, as a row of the table.")
    seeds: list[int] = identity([1], "Seeds of fine-tuning, crossed with `seed` (row 16).", low=0, high=MAX_SEED)
    pooler: str = science(
        "fresh", "The layer on the first token: new in every arm, or the encoder's (row 19).", "fresh", "pretrained"
    )
    token_types: str = science(
        "as_pretrained", "Token types of task inputs (fidelity row 25).", "as_pretrained", "bert"
    )
    warmup_ratio: float = science(0.06, "Share of the updates in which the learning rate rises.", low=0.0, high=1.0)
    gradient_clip: float = science(1.0, "Norm that gradients are clipped to; 0: none.", low=0.0, high=1e6)
    max_steps: int | None = science(None, "Updates, in place of every recipe's num_epochs.", low=1, high=2**40)
    num_epochs: float | None = science(None, "Passes, in place of every recipe's num_epochs.", low=0.001, high=1e6)
    beta1: float = science(0.9, "Adam's beta1 (Devlin et al. 2019, A.2).", low=0.0, high=0.99999)
    beta2: float = science(0.999, "Adam's beta2 (as BERT; RoBERTa's LARGE has .98).", low=0.0, high=0.99999)
    epsilon: float = science(1e-6, "Adam's epsilon.", low=1e-16, high=1.0)
    length_window_batches: int = science(
        32,
        "Batches whose examples are sorted by length together: little padding, order almost random.",
        low=1,
        high=2**20,
    )
    selection: str = science(
        "none",
        "How a task's recipe is chosen: it is given; from `grid`, on a hashed tenth of the training examples; or from "
        "it on the development examples, as the paper did.",
        "none",
        "train_tenth",
        "paper",
    )
    grid: GridOptions = science(GridOptions(), "The recipes that `selection` chooses from.")
    recipe: RecipeOptions = science(RecipeOptions(), "The recipe of every task that has none of its own.")
    recipes: dict[str, RecipeOptions] = science({}, "Recipes by task, where they differ from `recipe`.")

    def recipe_of(self, task: str) -> Recipe:
        """Return a task's recipe: its own values, else those of `recipe`; `num_epochs` here replaces every recipe's."""
        own = self.recipes.get(task, RecipeOptions())
        given = (*vars(self.recipe).items(), *vars(own).items(), ("num_epochs", self.num_epochs))
        return Recipe(**{name: value for name, value in given if value is not None})

    def grid_of(self, task: str) -> list[Recipe]:
        """Return the recipes to choose from, different ones, in the order of the lists, the last changing first."""
        own = self.recipe_of(task)
        rates, sizes = self.grid.learning_rates or [own.learning_rate], self.grid.batch_sizes or [own.batch_size]
        epochs = [own.num_epochs] if self.num_epochs or not self.grid.num_epochs else self.grid.num_epochs
        combined = product(rates, sizes, epochs)
        grid = (replace(own, learning_rate=rate, batch_size=size, num_epochs=number) for rate, size, number in combined)
        return list(dict.fromkeys(grid))
