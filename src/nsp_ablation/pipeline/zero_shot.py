"""The zero-shot probes of an encoder: on the corpus' held-out documents, in its own tokens, and on files."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, load_tokenizer, read_layout
from nsp_ablation.learning.probes.probe_inputs import ProbeInputs, probe_of
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.pipeline.arms import Arm
from nsp_ablation.pipeline.device import torch_device
from nsp_ablation.pipeline.feed import frame_of
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer as load_backend


def probe(config: Config, arm: Arm, task: TaskOptions, directory: Path) -> Outcome:
    """Return what a zero-shot probe finds. Raises ValueError for unreadable files, or where no document is held out."""
    started = time.perf_counter()
    layout = read_layout(str(directory), config.max_length, "as_pretrained")
    inputs = ProbeInputs(
        layout=layout,
        frame=frame_of(directory, layout.max_length),
        tokenizer=load_tokenizer(str(directory)),
        max_length=config.max_length,
        heldout=_heldout(config, arm, task) if TASK_KINDS[task.kind].reads == "heldout" else None,
        target_ids=_value_ids(directory) if config.corpus.reader == "microworld" else None,
        seed=config.corpus.seed,
    )
    model = load_masked_lm(str(directory)).eval().to(torch_device(config.trainer))
    outcome = probe_of(task).measure(model, inputs, task)
    return replace(outcome, seconds=time.perf_counter() - started)


def _value_ids(directory: Path) -> np.ndarray:
    """Return the ids of the micro-world's values (towns, jobs, pets, ...) that are one token."""
    from nsp_ablation.text.microworld.world import SLOT_VALUES

    tokenizer = load_backend(directory)
    encoded = [
        tokenizer.encode(value, add_special_tokens=False).ids for values in SLOT_VALUES.values() for value in values
    ]
    return np.array(sorted(ids[0] for ids in encoded if len(ids) == 1), dtype=np.int64)


def _heldout(config: Config, arm: Arm, task: TaskOptions) -> TokenStore:
    store = arm.heldout()
    if store is None:
        raise ValueError(
            f"{task.name} reads held-out documents, and corpus.heldout_fraction={config.corpus.heldout_fraction} "
            "holds none out; raise it or leave the probe out of tasks"
        )
    return store
