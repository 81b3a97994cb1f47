"""The implementations that the training benchmark compares, each a function that trains for some updates.

All have BERT's architecture with the same sizes, dropout, AdamW, samples, share of masked tokens and loading of
batches. What they return is what a watch on every optimizer saw: the time at the end of each update.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader
from training_streams import Stream
from transformers import BertForMaskedLM, BertForPreTraining, DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model
from nsp_ablation.options.model_options import ModelOptions
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.micro_batches import EAGER_MULTIPLE, padded_tokens

LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY = 1e-4, (0.9, 0.999), 1e-6, 0.01


@dataclass
class Measured:
    """The time at the end of each update, the real tokens and the predicted tokens of each."""

    ends: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        """Real tokens a second over all updates but the first, which warms up."""
        return sum(self.tokens[1 : len(self.ends)]) / (self.ends[-1] - self.ends[0])


Arm = Callable[[int], Measured]  # the number of updates -> what was measured


@contextmanager
def _watch(measured: Measured, num_updates: int, device: torch.device) -> Iterator[None]:
    """Note the end of every optimizer's step; a GPU is waited for at the first and the last alone."""

    def note(*_: Any) -> None:
        if device.type == "cuda" and len(measured.ends) in (0, num_updates - 1):
            torch.cuda.synchronize(device)
        measured.ends.append(time.perf_counter())

    handle = register_optimizer_step_post_hook(note)
    try:
        yield
    finally:
        handle.remove()


def ours(stream: Stream, options: ModelOptions, device: torch.device, *, compile: bool) -> Arm:
    """Return this program's own pre-training, through Lightning, as `stage=pretrain` runs it."""
    model = _our_model(stream, options)
    largest = int(stream.index.lengths().max()) * stream.rows
    pad_to = None
    if device.type == "cuda":
        model.vocabulary_multiple, pad_to = 64, EAGER_MULTIPLE
    trainer = TrainerOptions(
        name=device.type,
        accelerator="gpu" if device.type == "cuda" else "cpu",
        precision="bf16-mixed" if device.type == "cuda" else "32-true",
    )
    if compile:
        model.compile_losses(model.attention_backend(device, trainer.precision))
        pad_to = padded_tokens(largest)

    def run(num_updates: int) -> Measured:
        measured = Measured()

        def open_loader(first_step: int, rank: int, world_size: int) -> Iterator[Any]:
            batches = micro_batch_loader(
                stream.plan,
                stream.store,
                stream.frame,
                stream.masks,
                first_step=first_step,
                max_steps=num_updates,
                accumulation=1,
                pad_to=pad_to,
                **_loading(device),
            )
            for batch in batches:
                measured.tokens.append(batch.num_tokens)
                measured.predictions.append(int((batch.masked_labels >= 0).sum()))
                yield batch

        pretraining = PretrainingOptions(
            max_steps=num_updates,
            learning_rate=LEARNING_RATE,
            warmup_ratio=0.0,
            beta1=BETAS[0],
            beta2=BETAS[1],
            epsilon=EPSILON,
            weight_decay=WEIGHT_DECAY,
            gradient_clip=0.0,
            checkpoint_seconds=1e9,
        )
        others = {"seed": 1, "accumulation": 1, "peak_flops": None, "logger": None, "log_every": 10, "say": None}
        with tempfile.TemporaryDirectory() as directory, _watch(measured, num_updates, device):
            pretrain(model, open_loader, pretraining, trainer, GivenRank(), Path(directory), export=_nothing, **others)
        return measured

    return run


def _nothing(update: int) -> None:
    """Export nothing."""


def bare_loop(stream: Stream, options: ModelOptions, device: torch.device) -> Arm:
    """Return the plain loop that people write over `transformers`: padded to the longest, its model's own loss."""
    model = _transformers_model(stream, options).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY
    )

    def run(num_updates: int) -> Measured:
        measured, counts = Measured(), []
        loader = DataLoader(
            stream.samples(num_updates), batch_size=stream.rows, collate_fn=_collator(stream), **_loading(device)
        )
        model.train()
        with _watch(measured, num_updates, device):
            for batch in loader:
                batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
                counts.append(_counts(batch))
                with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                    loss = model(**batch).loss
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
        return _counted(measured, counts)

    return run


def has_trainer() -> bool:
    """Whether `transformers.Trainer` can run: it needs the package accelerate."""
    return find_spec("accelerate") is not None


def trainer(stream: Stream, options: ModelOptions, device: torch.device) -> Arm:
    """Return `transformers.Trainer` with its defaults but for the settings that all arms share."""
    from transformers import Trainer, TrainingArguments

    model = _transformers_model(stream, options)
    loading = {f"dataloader_{name}": value for name, value in _loading(device).items()}

    def run(num_updates: int) -> Measured:
        measured, counts = Measured(), []

        class CountingTrainer(Trainer):
            def training_step(self, model: Any, inputs: Any, *others: Any, **named: Any) -> Any:
                counts.append(_counts(inputs))
                return super().training_step(model, inputs, *others, **named)

        with tempfile.TemporaryDirectory() as directory, _watch(measured, num_updates, device):
            arguments = TrainingArguments(
                output_dir=directory,
                max_steps=num_updates,
                per_device_train_batch_size=stream.rows,
                learning_rate=LEARNING_RATE,
                adam_beta1=BETAS[0],
                adam_beta2=BETAS[1],
                adam_epsilon=EPSILON,
                weight_decay=WEIGHT_DECAY,
                max_grad_norm=0.0,
                use_cpu=device.type == "cpu",
                bf16=device.type == "cuda",
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                remove_unused_columns=False,
                **loading,
            )
            samples = stream.samples(num_updates)
            CountingTrainer(model, arguments, data_collator=_collator(stream), train_dataset=samples).train()
        return _counted(measured, counts)

    return run


def _transformers_model(stream: Stream, options: ModelOptions) -> Any:
    """Return `BertForPreTraining`, or without pairs, where that gives no loss, `BertForMaskedLM`, of the same sizes."""
    config = _our_model(stream, options).hf.config
    return (BertForPreTraining if stream.index.is_pair else BertForMaskedLM)(config)


def _our_model(stream: Stream, options: ModelOptions) -> PretrainingModel:
    return build_model(
        options,
        stream.frame,
        predicts_pairs=stream.index.is_pair,
        confines_attention=False,
        seed=1,
        token_counts=None,
    )


def _collator(stream: Stream) -> DataCollatorForLanguageModeling:
    frame = stream.frame
    names = {"[PAD]": frame.pad, "[UNK]": 1, "[CLS]": frame.cls, "[SEP]": frame.sep, "[MASK]": frame.mask}
    words = {f"w{token}": token for token in range(len(names), frame.vocab_size)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(names | words, unk_token="[UNK]")),
        **{f"{name[1:-1].lower()}_token": name for name in names},
    )
    return DataCollatorForLanguageModeling(tokenizer, mlm_probability=stream.masks.options.probability)


def _loading(device: torch.device) -> dict[str, Any]:
    """Return how every arm loads its batches: a GPU is fed by workers from pinned memory."""
    return {"num_workers": 4 if device.type == "cuda" else 0, "pin_memory": device.type == "cuda"}


def _counts(batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the real and the predicted tokens of a batch, on its device: nobody waits for them."""
    return batch["attention_mask"].sum(), (batch["labels"] != -100).sum()


def _counted(measured: Measured, counts: list[tuple[torch.Tensor, torch.Tensor]]) -> Measured:
    measured.tokens, measured.predictions = ([int(count) for count in column] for column in zip(*counts, strict=True))
    return measured
