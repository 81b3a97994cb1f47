"""After how many updates an arm has made as many predictions as another run, or read as much different text.

Arms of equal updates and real tokens differ in both: separators are not predicted, and pairs read text again.
"""

from collections.abc import Callable

import numpy as np

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.accounting import consumed
from nsp_ablation.samples.batches.plan import BatchPlan


def planned_predictions(plan: BatchPlan, num_steps: int, masking: MaskingOptions) -> int:
    """Return how many tokens updates 0 to `num_steps` - 1 predict, counted without walking them.

    Exact for `count=exact` of single tokens, as long as no special token stands in the text itself; else expected.
    """
    total = 0.0
    for index, samples, repeats in consumed(plan, num_steps):
        maskable = (index.lengths() - index.special_tokens())[slice(None) if samples is None else samples]
        wanted = masking.probability * maskable
        total += repeats * float((np.maximum(1, np.rint(wanted)) if masking.count == "exact" else wanted).sum())
    return round(total)


def updates_for(count: Callable[[int], int], target: int, guess: int) -> int | None:
    """Return the updates, at least 1, after which a count comes nearest to a target; of two, the smaller.

    `count(updates)` never falls. None where it stops growing before: twice the updates count no more than `count` of
    them. `guess` is where to look first.
    """
    low, high = 0, max(1, guess)
    while (reached := count(high)) < target:
        if count(2 * high) == reached:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    is_nearer = low > 0 and target - count(low) <= count(high) - target
    return low if is_nearer else high
