"""How the recipe of a fine-tuning was chosen, as its record tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialFacts:
    """A recipe that was tried: its score in the task's primary metric after each of `epochs` passes."""

    learning_rate: float
    batch_size: int
    num_epochs: float
    weight_decay: float
    epochs: list[float]
    scores: list[float]


@dataclass(frozen=True)
class SelectionFacts:
    """The grid that was tried with a fine-tuning seed, and the choice: `trials[chosen]`, ended after `epochs` passes.

    how: `train_tenth` (scored on a hashed tenth of the training examples) or `paper` (on the development examples).
    """

    how: str
    seed: int
    trials: list[TrialFacts]
    chosen: int
    epochs: float
