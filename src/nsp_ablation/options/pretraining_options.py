"""Optimization of pre-training (Liu et al. 2019, section 2 and table 9)."""

from dataclasses import dataclass

from nsp_ablation.options.setting import REQUIRED, machine, science

MAX_SEQUENCES, MAX_UPDATES = 2**24, 2**40


@dataclass
class BatchOptions:
    """The size of an update, in the sense of `budget`."""

    sequences: int = science(REQUIRED, "Sequences per update (B).", low=1, high=MAX_SEQUENCES)
    sequences_factor: float = machine(
        1.0,
        "Multiplies batch.sequences, whatever the scale sets; the cell holds the product and a factor of 1.",
        low=1e-3,
        high=1e3,
    )


@dataclass
class PretrainingOptions:
    """Optimization of pre-training, in updates."""

    max_steps: int = science(REQUIRED, "Updates.", low=1, high=MAX_UPDATES)
    max_steps_factor: float = machine(
        1.0,
        "Multiplies pretraining.max_steps, whatever the scale sets; the cell holds the product and a factor of 1.",
        low=1e-3,
        high=1e3,
    )
    learning_rate: float = science(REQUIRED, "Peak learning rate.", low=1e-12, high=10.0)
    schedule_steps: int | None = science(
        None,
        "Updates that the learning rate rises and falls over; null: pretraining.max_steps. More than these make a "
        "pilot: the beginning of a longer run.",
        low=1,
        high=MAX_UPDATES,
    )
    warmup_ratio: float = science(
        0.06, "Share of the schedule's updates in which the learning rate rises.", low=0.0, high=1.0
    )
    beta1: float = science(0.9, "Adam's beta1.", low=0.0, high=0.99999)
    beta2: float = science(0.999, "Adam's beta2.", low=0.0, high=0.99999)
    epsilon: float = science(1e-6, "Adam's epsilon.", low=1e-16, high=1.0)
    weight_decay: float = science(0.01, "Decoupled weight decay.", low=0.0, high=10.0)
    decay_all: bool = science(False, "Decay biases and LayerNorm weights too (fidelity row 21).")
    gradient_clip: float = science(
        1.0, "Norm that gradients are clipped to; 0: none (fidelity row 20).", low=0.0, high=1e6
    )
    pair_loss_weight: float = science(
        1.0, "Weight of the loss on pairs (NSP, SOP) beside MLM's; MLM alone has none.", low=1e-6, high=1e6
    )
    heldout_tokens: int = science(
        100_000, "Real tokens of held-out text that losses are measured on.", low=0, high=2**40
    )
    evaluate_at: list[int] = machine(
        [],
        "Real tokens after which held-out losses and the probes of held-out documents are measured on the way, as they "
        "are after the last update.",
        low=1,
        high=2**60,
    )
    export_at: list[int] = machine([], "Updates after which the encoder is exported on the way.", low=1, high=2**40)
    checkpoint_seconds: float = machine(30.0, "Seconds of work between two checkpoints.", low=0.0, high=1e6)

    @property
    def scheduled_steps(self) -> int:
        """Updates after which the learning rate would be 0."""
        return self.max_steps if self.schedule_steps is None else self.schedule_steps

    @property
    def warmup_steps(self) -> int:
        """Updates of the warm-up."""
        return round(self.warmup_ratio * self.scheduled_steps)
