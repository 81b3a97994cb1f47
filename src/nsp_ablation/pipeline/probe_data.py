"""What a zero-shot probe is given, known before there is an encoder: how many examples it will have."""

import math
from pathlib import Path

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.encoder_directory import load_tokenizer, read_layout, wrap_tokenizer
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, probe_of
from nsp_ablation.pipeline.encoders import Encoder
from nsp_ablation.pipeline.feed import frame_of
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.text.microworld.world import SLOT_OF
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer as load_backend

_ADVISED_DOCUMENTS = 2  # held out: a foreign context needs another document
_MAX_FRACTION = 0.5  # the highest that corpus.heldout_fraction takes


def probe_inputs(
    config: Config, stores: Stores, task: TaskData, directory: Path, layout: InputLayout | None = None
) -> ProbeInputs:
    """Return what a probe is given of an encoder's or a tokenizer's directory.

    An encoder that is still trained has the directory of its tokenizer; before that its layout is that of the
    tokenizer, too. Raises NoExamplesError where the
    probe reads held-out documents and none is held out.
    """
    frame = frame_of(directory, config.max_length if layout is None else layout.max_length)
    is_encoder = (directory / "config.json").is_file()
    tokenizer = load_tokenizer(str(directory)) if is_encoder else wrap_tokenizer(load_backend(directory))
    if layout is None:
        names = "max_length", "cls", "sep", "mask", "pad", "pair_separators"
        layout = InputLayout(**{name: getattr(frame, name) for name in names}, second_type=0)
    words = tuple(SLOT_OF) if stores.corpus.is_generated else None
    return ProbeInputs(
        layout=layout,
        frame=frame,
        tokenizer=tokenizer,
        max_length=config.max_length,
        heldout=_heldout(config, stores, task) if task.facts.reads == "heldout" else None,
        target_words=words,
        target_ids=None if words is None else _ids_of(words, directory),
        seed=config.corpus.seed,
    )


def count_examples(
    config: Config, stores: Stores, task: TaskData, directory: Path, layout: InputLayout | None = None
) -> tuple[int, str | None]:
    """Return how many examples a probe will have, and where it will have none, why; arguments as of `probe_inputs`."""
    try:
        inputs = probe_inputs(config, stores, task, directory, layout)
        return probe_of(task.options).num_examples(inputs, task.options), None
    except NoExamplesError as error:
        return 0, str(error)


def refuse_without_examples(encoder: Encoder, probes: list[TaskData]) -> None:
    """Raise InputError for the first probe that an encoder from elsewhere, or an untrained one, gives no example."""
    config, stores = encoder.config, encoder.stores
    is_ours = encoder.arm == "random"
    directory = stores.vocabulary.make() if is_ours else encoder.make()
    layout = None if is_ours else read_layout(str(directory), config.max_length, "as_pretrained")
    for task in probes:
        if reason := count_examples(config, stores, task, directory, layout)[1]:
            raise InputError(reason)


def _heldout(config: Config, stores: Stores, task: TaskData) -> TokenStore:
    store = stores.heldout()
    if store is None:
        if (empty := stores.empty_part()) is not None:
            raise NoExamplesError(f"tasks.{task.options.name}: {empty}, or leave the probe out of tasks")
        reason = f"holds out none of {stores.counts().num_documents:,} documents, and {task.options.name} reads them; "
        problem = Problem("corpus.heldout_fraction", config.corpus.heldout_fraction, reason + _remedy(stores))
        raise NoExamplesError(problem.line())
    return store


def _remedy(stores: Stores) -> str:
    """Say which fraction holds out enough documents, where one does."""
    counts = stores.counts()
    if counts.num_documents > _ADVISED_DOCUMENTS:
        fraction = math.floor(counts.least_heldout_fractions[_ADVISED_DOCUMENTS - 1] * 1000 + 1) / 1000
        if fraction <= _MAX_FRACTION:
            part = "" if stores.corpus.options.heldout_part == "all" else " with corpus.heldout_part=all"
            advice = f"corpus.heldout_fraction={fraction:g}{part} holds out {_ADVISED_DOCUMENTS} or more"
            return f"{advice}, or leave the probe out of tasks"
    return "give more documents, or leave the probe out of tasks"


def _ids_of(words: tuple[str, ...], directory: Path) -> np.ndarray:
    """Return the ids of the words that are one token, ascending."""
    tokenizer = load_backend(directory)
    encoded = [tokenizer.encode(word, add_special_tokens=False).ids for word in words]
    return np.array(sorted(ids[0] for ids in encoded if len(ids) == 1), dtype=np.int64)
