"""The matrix of damage: every kind of file that a study leaves, by every kind of damage."""

from collections.abc import Iterable
from typing import NamedTuple

# The states of the study in which a file is damaged; one that a finished study no longer reads would prove nothing.
DONE, NO_PROBE, NO_TASK = "done", "a probe's record lost", "a task's record lost"
NO_ENCODER, NO_CURVE = "encoder and a probe's record lost", "the results' learning curve lost"
PRETRAINING, FINETUNING = "pre-training stopped", "fine-tuning stopped"
GENERATED = "generated corpus alone"

FILES = {
    "artifacts/corpora/*/documents.jsonl": GENERATED,
    "artifacts/tokenizers/*/tokenizer.json": NO_ENCODER,
    "artifacts/tokenizers/*.lock": NO_ENCODER,
    "artifacts/stores/*/train/ids.npy": NO_ENCODER,
    "artifacts/stores/*/train/meta.json": NO_ENCODER,
    "artifacts/stores/*/heldout/ids.npy": NO_PROBE,
    "artifacts/stores/*/checksums.json": NO_PROBE,
    "artifacts/indexes/*/spans.npy": NO_ENCODER,
    "artifacts/encoders/*/model.safetensors": NO_PROBE,
    "artifacts/encoders/*/config.json": NO_PROBE,
    "artifacts/encoders/*/pretraining.json": NO_PROBE,
    "artifacts/encoders/*/checksums.json": NO_PROBE,
    "artifacts/baselines/*/baselines.json": NO_TASK,
    "artifacts/cards/*.json": NO_ENCODER,
    "artifacts/curves/*/curve.csv": NO_CURVE,
    "artifacts/curves/*/checksums.json": NO_CURVE,
    "artifacts/locks/*.lock": NO_PROBE,
    "artifacts/logs/encoders/*.csv": NO_ENCODER,
    "results/adhoc/records/*.json": DONE,
    "results/adhoc/scores/*.npy": DONE,
    "results/adhoc/scores/*.json": DONE,
    "results/adhoc/items/*.npz": DONE,
    "results/adhoc/predictions/*.json": DONE,
    "results/adhoc/cards/*.json": DONE,
    "results/adhoc/curves/*.csv": DONE,
    "results/adhoc/curves/*.json": DONE,
    "results/adhoc/manifest.json": DONE,
    "results/adhoc/cells/*.json": DONE,
    "results/adhoc/report/table.csv": DONE,
    "results/adhoc/report/figures/*.svg": DONE,
    "results/adhoc/.lock": NO_PROBE,
    "results/adhoc/.report.lock": DONE,
    "results/adhoc/.sweeps": DONE,
}
CHECKPOINTS = {PRETRAINING: "artifacts/runs/*/last.ckpt", FINETUNING: "artifacts/runs/*/last.ckpt"}
DIRECTORIES = {
    "artifacts/corpora/*": GENERATED,
    "artifacts/tokenizers/*": NO_ENCODER,
    "artifacts/stores/*": NO_ENCODER,
    "artifacts/indexes/*": NO_ENCODER,
    "artifacts/encoders/*": NO_PROBE,
    "artifacts/baselines/*": NO_TASK,
    "artifacts/cards": NO_ENCODER,
    "artifacts/curves/*": NO_CURVE,
    "artifacts/locks": NO_PROBE,
    "artifacts/runs/*": PRETRAINING,
    "results/adhoc/records": DONE,
    "results/adhoc/scores": DONE,
    "results/adhoc/items": DONE,
    "results/adhoc/predictions": DONE,
    "results/adhoc/cards": DONE,
    "results/adhoc/curves": DONE,
    "results/adhoc/cells": DONE,
    "results/adhoc/report": DONE,
    "results/adhoc/report/figures": DONE,
    "results/adhoc": DONE,
}

# What no later command reads, so that it may stay as it is.
UNREAD = ("adhoc/predictions", ".lock", ".sweeps", "metrics.csv", "locks")
# Damages that say nothing of some files: there is no other of their kind, no content, no text.
_NO_CONTENT = (".lock", ".sweeps")
_ALONE = (
    "documents.jsonl",
    "dev.tsv",
    "manifest.json",
    "table.csv",
    "report.html",
    "baselines.json",
    ".svg",
    "last.ckpt",
)
_ALONE += _NO_CONTENT
_ALONE_DIRECTORIES = (
    "locks",
    "records",
    "scores",
    "items",
    "predictions",
    "cards",
    "adhoc/curves",
    "cells",
    "report",
    "figures",
    "adhoc",
)
_NOT_FOR = {
    "swapped": _ALONE,
    "directory_swapped": ("corpora/*", "baselines/*", "runs/*", *_ALONE_DIRECTORIES),
    **dict.fromkeys(("cut", "emptied", "flipped"), _NO_CONTENT),
}
# A digit that becomes another, a byte that is no UTF-8, a link to nothing: where people edit files by hand.
_BY_HAND = ("records/*.json", "scores/*.json", "predictions/*.json", "cells/*.json", "manifest.json")
_BY_HAND += ("pretraining.json", "curves/*.csv", "curves/*.json")
_ONLY_FOR = dict.fromkeys(("digit", "not_text", "dangling"), _BY_HAND)
# What holds a digest over itself, by which nothing else is known of what it holds, or columns.
_ONLY_FOR["foreign_json"] = (".json",)
_ONLY_FOR["other_schema"] = ("records/*.json", "cards/*.json", "cells/*.json", "manifest.json", *_BY_HAND[-2:])


class Case(NamedTuple):
    """A damage to the first file or directory that matches `pattern`, in a state of the study."""

    pattern: str
    state: str
    damage: str

    def __str__(self) -> str:
        return f"{self.pattern} {self.damage}, {self.state}"

    @property
    def has_report(self) -> bool:
        """Whether `stage=report` has something to show: of an empty folder it says that there are no results."""
        return self.state == DONE and self.pattern != "results/adhoc"

    @property
    def is_read(self) -> bool:
        """Whether a later command reads what is damaged, or writes it anew."""
        return not self.pattern.endswith(UNREAD)


def cases(to_files: Iterable[str], to_directories: Iterable[str]) -> list[Case]:
    """Return every case, in a fixed order; `to_files` and `to_directories` are the names of damages."""
    files = [*FILES.items(), *((pattern, state) for state, pattern in CHECKPOINTS.items())]
    return [
        Case(pattern, state, damage)
        for kinds, damages in ((files, to_files), (DIRECTORIES.items(), to_directories))
        for pattern, state in kinds
        for damage in damages
        if not pattern.endswith(_NOT_FOR.get(damage, ())) and pattern.endswith(_ONLY_FOR.get(damage, ("",)))
    ]
