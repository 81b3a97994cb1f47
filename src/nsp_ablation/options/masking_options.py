"""MLM targets (Liu et al. 2019, section 4.1)."""

from dataclasses import dataclass

from nsp_ablation.options.setting import REQUIRED, science


@dataclass
class MaskingOptions:
    """Which tokens are predicted, and what the model reads in their place."""

    name: str = science(REQUIRED, "Masks drawn once, or anew each time a sample is read.", "static", "dynamic")
    copies: int | None = science(
        None, "Static masks per sample, used in turn; null for dynamic masking.", low=1, high=2**20
    )
    probability: float = science(0.15, "Share of the ordinary tokens that are predicted.", low=0.01, high=0.9)
    mask_fraction: float = science(0.8, "Share of the targets that read [MASK].", low=0.0, high=1.0)
    random_fraction: float = science(0.1, "Share of the targets that read a random token.", low=0.0, high=1.0)
    count: str = science(
        "exact", "round(probability * n) targets, or a coin per token (fidelity row 13).", "exact", "bernoulli"
    )
    unit: str = science(
        "token", "What is chosen: single tokens, or whole words (a Chinese character is one).", "token", "whole_word"
    )

    def mask_epoch(self, epoch: int) -> int:
        """Return the number of the mask that an epoch (from 1) uses: (epoch - 1) mod copies, or the epoch itself."""
        assert epoch >= 1, epoch
        return epoch if self.copies is None else (epoch - 1) % self.copies

    def exposures(self, epochs: float) -> float:
        """Return how often each mask was seen on average after `epochs` passes over the samples (may be fractional)."""
        if self.copies is None:
            return min(epochs, 1.0)
        return epochs / min(self.copies, max(epochs, 1.0))
