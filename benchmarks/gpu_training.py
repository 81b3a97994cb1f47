"""The parts of the GPU check that concern training: environment, objective, held-out loss, vocabulary, speed."""

import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import training_arms as arms
from torch._dynamo.utils import counters
from training import flops_per_token, model_options
from training_streams import Stream, make_stream

from nsp_ablation.learning.engine.device_peak import device_peak, gemm_flops
from nsp_ablation.learning.pretraining.heldout_loss import heldout_loss
from nsp_ablation.learning.pretraining.objective import update_share
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model
from nsp_ablation.samples.batches.loader import MicroBatch, micro_batch_loader
from nsp_ablation.samples.batches.micro_batches import padded_tokens


def environment(check: Any) -> None:
    """Versions, device, its peak by name."""
    check.note("environment", "torch", f"{torch.__version__}, cuda {torch.version.cuda}")
    if check.on_gpu:
        check.note("environment", "device", torch.cuda.get_device_name())
        peak = device_peak(check.device, check.precision)
        check.note("environment", "peak by name", peak, "known", peak is not None)


def objective(check: Any) -> None:
    """Losses and gradients, eager and compiled, with pairs and checkpointed layers: finite, one graph, no wait."""
    for name, compiled, checkpoints in (
        ("eager", False, False),
        ("checkpointed", False, True),
        ("compiled", True, False),
        ("compiled, checkpointed", True, True),
    ):
        if compiled and (not check.on_gpu or check.left < 60):
            check.note("objective", name, "left out", "a GPU, and a minute", None if not check.on_gpu else False)
            continue
        torch._dynamo.reset()
        counters.clear()
        stream = make_stream("segment_pair", 504, 128, 4096 if check.on_gpu else 256)
        model = _model(stream, "tiny").to(check.device).train()
        model.checkpoints_layers, model.vocabulary_multiple = checkpoints, 64
        backend = model.attention_backend(check.device, check.precision)
        if compiled:
            model.compile_losses(backend)
        largest = padded_tokens(int(stream.index.lengths().max()) * stream.rows)
        batches = [batch.padded(largest, stream.frame.max_length) for batch in [*_batches(stream, 6), _empty(stream)]]
        _train(check, name, model, batches, backend)
        if compiled:
            graphs, breaks = counters["stats"]["unique_graphs"], sum(counters["graph_break"].values())
            check.note(
                "objective", f"{name}: graphs, breaks", f"{graphs}, {breaks}", "1, 0", (graphs, breaks) == (1, 0)
            )


def heldout(check: Any) -> None:
    """The held-out loss in full precision on the CPU and here."""
    stream = make_stream("segment_pair", 504, 128, 1024)
    model = _model(stream, "tiny")
    found = [
        heldout_loss(model, _batches(stream, 3), torch.device(kind)).mlm_loss for kind in ("cpu", check.device.type)
    ]
    close = abs(found[0] - found[1]) < 1e-4
    check.note("heldout", "CPU, here", f"{found[0]:.6f}, {found[1]:.6f}", "equal to 1e-4", close)


def vocabulary(check: Any) -> None:
    """The output layer at 30,522 words and padded to a multiple of 64, forward and backward."""
    tokens, hidden = (4915, 768) if check.on_gpu else (32, 16)
    dtype = torch.bfloat16 if check.on_gpu else torch.float32
    times = {}
    for size in (30_522, 30_528):
        given = torch.randn(tokens, hidden, device=check.device, dtype=dtype, requires_grad=True)
        weight = torch.randn(size, hidden, device=check.device, dtype=dtype, requires_grad=True)
        times[size] = check.milliseconds(lambda given=given, weight=weight: F.linear(given, weight).sum().backward(), 5)
    said = ", ".join(f"{size:,}: {time:.2f} ms" for size, time in times.items())
    ok = times[30_528] < times[30_522] if check.on_gpu else None
    check.note("vocabulary", "output layer", said, "30,528 faster (on a GPU)", ok)


def speed(check: Any) -> None:
    """Pre-training through the program beside `transformers`, of BERT-base on FULL at T = 512 (CPU: tiny)."""
    name = "base" if check.on_gpu else "tiny"
    stream = make_stream("full", *((30_522, 512, 32_768) if check.on_gpu else (200, 32, 128)))
    settings = model_options(name)
    dtype, size = (torch.bfloat16, 8192) if check.on_gpu else (torch.float32, 256)
    product, peak = gemm_flops(check.device, dtype, size), device_peak(check.device, check.precision)
    check.note("speed", f"product of {size}^3", f"{product / 1e12:.2f} TFLOP/s")
    flops, rates = flops_per_token(stream, settings), {}
    implementations = {"ours, eager": arms.ours(stream, settings, check.device, compile=False)}
    if check.on_gpu:
        implementations["ours, compiled"] = arms.ours(stream, settings, check.device, compile=True)
    implementations["transformers.Trainer"] = arms.trainer(stream, settings, check.device)
    for kind, run in implementations.items():
        if check.left < (60 if check.on_gpu else 0):
            check.note("speed", kind, "no time left", "raise --seconds", ok=False)
            continue
        run(2)
        rates[kind] = run(17 if check.on_gpu else 3).tokens_per_second
        shares = f"{rates[kind] * flops / product:.1%} of the product"
        shares += f", MFU {rates[kind] * flops / peak:.1%}" if peak else ""
        check.note("speed", kind, f"{rates[kind]:,.0f} tokens/s, {shares}")
    if "ours, compiled" in rates and "transformers.Trainer" in rates:
        best, share = rates["ours, compiled"], rates["ours, compiled"] * flops
        ok = share >= 0.5 * product or (peak is not None and share >= 0.4 * peak)
        check.note("speed", "share of the peak", f"{share / product:.1%}", ">= 50 % of the product or MFU >= 40 %", ok)
        times = best / rates["transformers.Trainer"]
        check.note("speed", "ours / Trainer", f"{times:.2f}", ">= 2", times >= 2)


def _train(check: Any, name: str, model: PretrainingModel, batches: list[MicroBatch], backend: str) -> None:
    """Run batches twice, the second time noting where the host waits for the device."""
    given = [(batch.to(check.device), model.layout_of(batch, backend).to(check.device)) for batch in batches]
    losses, places = [], Counter()
    for last in (False, True):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            if check.on_gpu and last:
                torch.cuda.set_sync_debug_mode("warn")
            for batch, layout in given:
                with torch.autocast(check.device.type, torch.bfloat16, enabled=check.on_gpu):
                    loss = update_share(model.loss_sums(batch, layout), batch).total
                loss.backward()
                losses.append(loss.detach())
            if check.on_gpu:
                torch.cuda.set_sync_debug_mode("default")
        places.update(f"{Path(one.filename).name}:{one.lineno}" for one in seen if "synchroniz" in str(one.message))
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    finite = all(bool(torch.isfinite(part).all()) for part in [*losses, *gradients])
    check.note("objective", f"{name}: losses and gradients finite", finite, "True", finite)
    check.note("objective", f"{name}: waits", dict(places), "{}", not places if check.on_gpu else None)


def _model(stream: Stream, name: str) -> PretrainingModel:
    pairs = {"predicts_pairs": stream.index.is_pair, "confines_attention": False}
    return build_model(model_options(name), stream.frame, **pairs, seed=1, token_counts=None)


def _batches(stream: Stream, num_updates: int) -> list[MicroBatch]:
    parts = {"first_step": 0, "max_steps": num_updates, "accumulation": 1, "num_workers": 0}
    return list(micro_batch_loader(stream.plan, stream.store, stream.frame, stream.masks, **parts))


def _empty(stream: Stream) -> MicroBatch:
    """Return a micro-batch without sequences, as a rank gets of an update that is too small."""
    (batch,) = _batches(stream, 1)
    none = torch.zeros(0, dtype=torch.int64)
    fields = ("input_ids", "token_type_ids", "position_ids", "masked_positions", "masked_labels", "pair_labels")
    offsets = dict.fromkeys(("sequence_offsets", "piece_offsets"), torch.zeros(1, dtype=torch.int64))
    return replace(batch, **dict.fromkeys(fields, none), **offsets, num_tokens=0)
