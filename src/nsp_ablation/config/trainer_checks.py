"""Settings of the trainer that do not go together; what a machine lacks is seen where a cell runs."""

from collections.abc import Iterator

from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config

# Apple's GPU is one device, with fp32 alone among our number formats.
_OF_MPS = {"devices": 1, "num_nodes": 1, "precision": "32-true", "compile": False}


def trainer_problems(config: Config) -> Iterator[Problem]:
    """Yield each problem of a configuration's trainer."""
    trainer = config.trainer
    if trainer.accelerator == "cpu" and trainer.precision == "16-mixed":
        reason = "half precision needs a GPU"
        yield Problem("trainer.precision", trainer.precision, reason, ("32-true", "bf16-mixed", "64-true"))
    for key, value in _OF_MPS.items() if trainer.accelerator == "mps" else ():
        if (given := getattr(trainer, key)) != value:
            reason = f"trainer.accelerator=mps needs trainer.{key}={str(value).lower()}"
            yield Problem(f"trainer.{key}", given, reason)
    if trainer.max_tokens is not None and trainer.max_tokens < 2 * config.max_length:
        reason = f"expected at least twice max_length={config.max_length}: micro-batches are cut to within a sequence"
        yield Problem("trainer.max_tokens", trainer.max_tokens, reason)
