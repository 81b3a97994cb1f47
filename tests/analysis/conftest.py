"""Synthetic records: a folder of results whose scores are chosen by the test."""

from dataclasses import replace

import numpy as np
import pytest

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.record import (
    Condition,
    EncoderReference,
    FinetuningFacts,
    Provenance,
    ResultRecord,
    record_id,
)
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.training_facts import PretrainingFacts

TASKS = {
    "squad1": {"title": "SQuAD 1.1"},
    "squad2": {"title": "SQuAD 2.0"},
    "mnli": {"title": "MNLI-m"},
    "sst2": {"title": "SST-2"},
    "race": {"title": "RACE"},
    "in_context_recall": {"title": "Recall"},
}
METRICS = {"squad1": "f1", "squad2": "f1", "in_context_recall": "accuracy"}
OBJECTIVES = {"segment_pair": "mlm_nsp", "sentence_pair": "mlm_nsp", "full": "mlm", "doc": "mlm"}
CONDITION = Condition("full", "full", "mlm", "dynamic", None, "paper", "bbpe", "laptop", 128, 16, 3500, 3e-3, "jsonl")
PROVENANCE = Provenance(
    commit="0123456789abcdef",
    dirty=False,
    python="3.11.9",
    platform="Linux",
    versions={"numpy": "2.4.6", "torch": "2.13.0"},
    device="cpu AMD EPYC",
    attention_backend="sdpa",
    time="2026-11-24T10:00:00+00:00",
)


class Results:
    """A results folder that is filled record by record."""

    def __init__(self, path):
        self.folder = RecordFolder(path)

    def add(
        self, task="squad1", score=0.5, *, seed=1, fine=1, arm="trained", status="done", examples=("e1", "e2"), **over
    ):
        """Write one record with the primary metric `score`, and return its id; `over` replaces fields of the record,
        `facts` those of its pre-training.

        `items` {name: (N,)} and `clusters` (N,) are those of its examples; else each has the metric, by itself.
        """
        own, metric = over.pop("items", {}), over.pop("primary", METRICS.get(task, "accuracy"))
        examples = [f"e{number}" for number in range(len(next(iter(own.values()))))] if own else examples
        score = float(np.nanmean(own[metric])) if metric in own else score
        condition = over.pop("condition", {})
        condition = replace(CONDITION, **{"name": condition.get("format", CONDITION.name)} | condition)
        clusters, facts = over.pop("clusters", None), over.pop("facts", {})
        extra = over.pop("metrics", {"exact_match": score / 2} if metric == "f1" else {})
        record = ResultRecord(
            name="study",
            arm=arm,
            condition=condition,
            science=over.pop("science", fingerprint([arm, str(condition)])),
            pretraining_seed=seed,
            finetuning_seed=fine,
            task=task,
            status=status,
            reason="diverged" if status == "failed" else None,
            metrics={metric: score, **extra} if status == "done" else None,
            primary_metric=metric if status == "done" else None,
            chance=0.25,
            majority=0.3,
            bag_of_words=0.4,
            pretraining=replace(pretraining_facts(condition, seed), **facts) if arm == "trained" else None,
            finetuning=FinetuningFacts(100, 12.5),
            encoder=EncoderReference(over.pop("path", "encoders/x"), "a" * 64),
            config={"tasks": TASKS}
            | over.pop("config", {"objective": "mlm", "seed": seed, "masking": {"probability": 0.15}}),
            provenance=replace(PROVENANCE, **over.pop("provenance", {})),
        )
        record = replace(record, **over)
        key = record_id(
            arm,
            condition,
            task,
            seed,
            fine,
            science=record.science,
            encoder=record.encoder.path,
            content=str(examples),
        )
        if status == "failed":
            self.folder.write_failed(key, record)
        else:
            means = {name: value for name, value in record.metrics.items() if not name.startswith("num_")}
            items = {name: np.full(len(examples), float(value)) for name, value in means.items()}
            items |= {name: np.asarray(array, dtype=np.float64) for name, array in own.items()}
            scores = items.get(metric, np.full(len(examples), float(score)))
            kept = ExampleScores(list(examples), list(clusters or examples), items, scores)
            self.folder.write(key, record, kept, dict.fromkeys(examples, "Paris"))
        return key


def pretraining_facts(condition, seed):
    pair = condition.format in ("segment_pair", "sentence_pair")
    return PretrainingFacts(
        updates=condition.updates or 0,
        tokens=7_000_000 + seed,
        padding_tokens=0,
        sequences=56_000,
        predictions=1_050_000,
        pairs=56_000 if pair else None,
        passes=1.35 if pair else 1.0,
        trimmed_tokens=1200 if pair else 0,
        maskable_tokens=6_800_000,
        special_tokens=200_000,
        unique_tokens=5_000_000,
        realised_random_next=0.56 if pair else None,
        mlm_loss=4.7,
        nsp_accuracy=0.81 if pair else None,
        seconds=361.0,
    )


def fine_of(task):
    """Return the fine-tuning seed of a task, None for a probe."""
    return None if task == "in_context_recall" else 1


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results" / "study")


@pytest.fixture
def full_study(results):
    """Four formats, two seeds each, six tasks, an untrained encoder, a failed run and an arm that failed throughout."""
    return filled(results)


@pytest.fixture(scope="module")
def shared_study(tmp_path_factory):
    """A smaller one, for tests that change nothing of it: three formats, one task and the probe."""
    results = Results(tmp_path_factory.mktemp("shared") / "results" / "study")
    return filled(results, ("segment_pair", "full", "doc"), ("squad1", "in_context_recall"))


def filled(results, formats=tuple(OBJECTIVES), tasks=tuple(TASKS)):
    for i, name in enumerate(formats):
        for seed in (1, 2):
            for number, task in enumerate(tasks):
                failed = name == "sentence_pair" and (task == "race" or (task == "sst2" and seed == 2))
                score = 0.4 + 0.05 * i + 0.02 * number + 0.013 * seed * (number + 1) * (i % 2 + 0.5) / 2
                recall = {"recall_gain": 0.1 * i + 0.05 * seed}
                results.add(
                    task,
                    score,
                    seed=seed,
                    fine=fine_of(task),
                    condition={"format": name, "objective": OBJECTIVES[name]},
                    status="failed" if failed else "done",
                    metrics=recall if task == "in_context_recall" else {},
                )
    nothing = dict.fromkeys(("format", "objective", "masking", "copies", "budget", "updates"))
    for seed in (1, 2):
        for task in tasks:
            gain = {"recall_gain": 0.0} if task == "in_context_recall" else {}
            results.add(
                task, 0.3 + 0.01 * seed, seed=seed, fine=fine_of(task), arm="random", condition=nothing, metrics=gain
            )
    return results


@pytest.fixture
def small_study(results):
    """Two formats with two seeds, one task and the probe."""
    for name in ("full", "segment_pair"):
        for seed in (1, 2):
            condition = {"format": name, "objective": OBJECTIVES[name]}
            results.add("squad1", 0.5 + 0.1 * seed, seed=seed, condition=condition)
            results.add("in_context_recall", 0.2 * seed, seed=seed, fine=None, condition=condition)
    return results
