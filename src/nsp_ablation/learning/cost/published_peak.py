"""The peak of a GPU by its name.

Lightning's `get_available_flops` needs the device to be there, and its table mixes sparse peaks (H200: 2,000 TFLOP/s)
with dense ones.
"""

import re

from nsp_ablation.options.trainer_options import DEVICES


def published_peak(name: str, precision: str) -> float | None:
    """Return the FLOP/s of a GPU by its name (`torch.cuda.get_device_name`), None where it is not in `DEVICES`.

    `precision` is the trainer's: mixed ones multiply in half precision, the others in full.
    """
    for known, (half, full) in DEVICES.items():
        if re.search(rf"\b{known}\b", name):
            return (half if precision.endswith("mixed") else full) * 1e12
    return None
