"""The order in which a task's samples are seen: batches of similar length, in random order."""

from collections.abc import Iterator

import numpy as np

from nsp_ablation.base.randomness import permutation, stream


def training_batches(
    lengths: np.ndarray, batch_size: int, window_batches: int, seed: int, max_steps: int
) -> Iterator[np.ndarray]:
    """Yield `max_steps` batches of sample numbers (<= batch_size,) int64: epochs 1, 2, ..., each sample once in each.

    Pure in (lengths, seed): an epoch's permutation is cut into windows of `window_batches` batches, each sorted by
    length and cut into batches, and the batches are shuffled. Only an epoch's last samples may form a smaller batch.
    """
    step, epoch = 0, 0
    while step < max_steps:
        epoch += 1
        samples = permutation(seed, stream("finetuning/samples"), epoch, len(lengths))
        batches = []
        for window in np.split(samples, np.arange(0, len(samples), batch_size * window_batches)[1:]):
            by_length = window[np.argsort(lengths[window], kind="stable")]
            batches += np.split(by_length, np.arange(0, len(window), batch_size)[1:])
        for number in permutation(seed, stream("finetuning/batches"), epoch, len(batches))[: max_steps - step]:
            yield batches[number]
            step += 1
