"""The zero-shot probes of an encoder: on the corpus' held-out documents, in its own tokens, and on minimal pairs."""

from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.encoder_directory import read_layout
from nsp_ablation.learning.probes.context_gain import context_gain
from nsp_ablation.learning.probes.heldout_mlm import heldout_mlm
from nsp_ablation.learning.probes.in_context_recall import in_context_recall
from nsp_ablation.learning.probes.minimal_pairs import minimal_pairs
from nsp_ablation.learning.tasks.blimp_files import read_minimal_pairs
from nsp_ablation.learning.tasks.outcome import TaskOutcome
from nsp_ablation.learning.tasks.task_spec import TaskSpec
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.pipeline.arms import Arm
from nsp_ablation.pipeline.device import torch_device
from nsp_ablation.pipeline.feed import frame_of
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer


def probe(config: Config, arm: Arm, spec: TaskSpec, directory: Path) -> TaskOutcome:
    """Return what a zero-shot probe finds. Raises ValueError for unreadable files, or where no document is held out."""
    if spec.kind == "minimal_pairs":
        return _pairs(config, spec, directory)
    measure = {"recall": _in_context, "context_gain": _context, "heldout_mlm": _perplexity}[spec.kind]
    return measure(config, _heldout(config, arm, spec), directory)


def _in_context(config: Config, store: TokenStore, directory: Path) -> TaskOutcome:
    """Return in-context recall on the held-out documents: in the micro-world of its values, elsewhere of any word."""
    target_ids = _value_ids(directory) if config.corpus.reader == "microworld" else None
    return in_context_recall(str(directory), *_documents(store), target_ids=target_ids, **_limits(config))


def _context(config: Config, store: TokenStore, directory: Path) -> TaskOutcome:
    """Return the context gain on the held-out documents."""
    return context_gain(str(directory), *_documents(store), **_limits(config))


def _documents(store: TokenStore) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return store.ids, store.sentence_offsets, store.document_offsets


def _limits(config: Config) -> dict[str, Any]:
    """Return the lengths of a probe's inputs; every format trains the shorter ones, SENTENCE-PAIR too."""
    in_range_tokens = max(8, config.max_length // 4)
    device = str(torch_device(config.trainer))
    return {"max_length": config.max_length, "in_range_tokens": in_range_tokens, "device": device}


def _pairs(config: Config, spec: TaskSpec, directory: Path) -> TaskOutcome:
    """Return the accuracy on minimal pairs."""
    pairs, device = read_minimal_pairs(spec), str(torch_device(config.trainer))
    return minimal_pairs(str(directory), pairs, name=spec.name, max_length=config.max_length, device=device)


def _perplexity(config: Config, store: TokenStore, directory: Path) -> TaskOutcome:
    """Return the held-out perplexity in one fixed format for every arm (PAPER row 18).

    Inputs are FULL-SENTENCES of `max_length` without inner separators, in corpus order up to
    `pretraining.heldout_tokens`; the mask is the paper's (15 %, 80/10/10), drawn once by the corpus' seed. No setting
    of an arm's own format or masking has any part in it.
    """
    frame = frame_of(directory, read_layout(str(directory), config.max_length, "as_pretrained").max_length)
    index = make_format(FormatOptions("full"), "nsp").index(store, frame, config.corpus.seed, 0)
    num_before = np.cumsum(index.lengths()) - index.lengths()
    samples = np.flatnonzero(num_before < config.pretraining.heldout_tokens)
    masks = Masks(MaskingOptions("static", copies=1), config.corpus.seed)
    flat = assemble_masked(store, index, frame, samples, masks, 1)
    borders = flat.sequence_offsets[1:-1]
    inputs, labels = np.split(flat.masked_input_ids, borders), np.split(flat.labels, borders)
    return heldout_mlm(str(directory), inputs, labels, device=str(torch_device(config.trainer)))


def _value_ids(directory: Path) -> np.ndarray:
    """Return the ids of the micro-world's values (towns, jobs, pets, ...) that are one token."""
    from nsp_ablation.text.microworld.world import SLOT_VALUES

    tokenizer = load_tokenizer(directory)
    encoded = [
        tokenizer.encode(value, add_special_tokens=False).ids for values in SLOT_VALUES.values() for value in values
    ]
    return np.array(sorted(ids[0] for ids in encoded if len(ids) == 1), dtype=np.int64)


def _heldout(config: Config, arm: Arm, spec: TaskSpec) -> TokenStore:
    store = arm.heldout()
    if store is None:
        raise ValueError(
            f"{spec.name} reads held-out documents, and corpus.heldout_fraction={config.corpus.heldout_fraction} "
            "holds none out; raise it or leave the probe out of tasks"
        )
    return store
