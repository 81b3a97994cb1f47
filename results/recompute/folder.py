"""A folder of results: its records, and every score computed anew from the numbers of single examples (`items/`)."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from formulas import Side, deal, sandwich

# Counts, and the metric whose examples they count; what only a record says, which is read and not computed.
COUNTS = {
    "num_targets": "accuracy",
    "num_targets_pair": "accuracy_pair",
    "num_targets_in_range": "accuracy_in_range",
    "num_sentences": "context_gain",
    "num_sentences_in_range": "context_gain_in_range",
    "num_pairs": "accuracy",
}
RECORDED = {"type_only_ceiling", "num_train_pairs"}
NO_RECIPE = {"seed", "name", "condition_name", "scale_name", "stage", "report", "launcher", "paths", "logger"}
NO_RECIPE |= {"pretraining.evaluate_at"}  # what is looked at, and where things lie
NO_PERCENT = ("perplexity", "loss", "gain", "num_", "thresh")


def unit(metric: str) -> float:
    """100 for a share, which is published in percent, 1 for nats, perplexities, counts and probabilities."""
    return 1.0 if any(word in metric for word in NO_PERCENT) else 100.0


class Arm:
    """Records of one recipe: equal `arm` and `science`, whatever the seeds."""

    def __init__(self, folder: "Folder", records: list):
        self.folder, self.records = folder, records
        self.kind, self.condition = records[0]["arm"], records[0]["condition"]
        self.names = {record["condition"]["name"] for record in records}
        self.settings = dict(_leaves(records[0]["config"]))

    @cached_property
    def unusual(self) -> dict:
        """Settings whose value is not that of most arms of the folder, of those that all have."""
        found = {}
        for name, value in self.settings.items():
            if all(name in arm.settings for arm in self.folder.arms):
                values = Counter(json.dumps(arm.settings[name]) for arm in self.folder.arms)
                usual, count = values.most_common(1)[0]
                if json.dumps(value) != usual or 2 * count <= len(self.folder.arms):
                    found[name] = value
        return found

    def of(self, task: str) -> dict:
        """Done records by pre-training seed, those of an encoder without seed under 0."""
        seeds = defaultdict(list)
        for record in self.records:
            if record["task"] == task and record["status"] == "done":
                seeds[record["pretraining_seed"] or 0].append(record)
        return dict(sorted(seeds.items()))

    @cached_property
    def encoders(self) -> list:
        """What was written of each pre-training, one per seed, by seed."""
        found = {r["pretraining_seed"]: r["pretraining"] for r in self.records if r["pretraining"]}
        return [found[seed] for seed in sorted(found)]

    def thetas(self, task: str, metric: str) -> np.ndarray:
        """Score of each pre-training seed, each the mean over its fine-tuning seeds; in the published unit."""
        seeds = self.of(task).values()
        values = [np.mean([self.folder.theta(record, metric) for record in records]) for records in seeds]
        return unit(metric) * np.array(values)

    def side(self, task: str, metric: str, seeds: list | None = None) -> Side:
        """Scores with what each cluster moves; fine-tuning seeds are averaged first. KeyError: no such items."""
        found = self.of(task)
        parts = [[self.folder.moves(r, metric) for r in found[s]] for s in found if seeds is None or s in seeds]
        theta = np.array([np.mean([p[0] for p in seed]) for seed in parts])
        u = np.array([np.mean([p[1] for p in seed], axis=0) for seed in parts])
        return Side(unit(metric) * theta, unit(metric) * u, parts[0][0][2])


class Folder:
    def __init__(self, path: Path):
        self.path = path
        self.records = [json.loads(file.read_text()) for file in sorted((path / "records").glob("*.json"))]
        self.cards = {file.stem: json.loads(file.read_text()) for file in sorted((path / "cards").glob("*.json"))}
        self._items: dict = {}
        groups = defaultdict(list)
        for record in self.records:
            groups[record["arm"], record["science"]].append(record)
        self.arms = [Arm(self, records) for records in groups.values()]
        self.tasks = {record["task"]: record["config"]["tasks"][record["task"]] for record in self.records}
        self.primary = {record["task"]: record["primary_metric"] for record in self.records}

    def items(self, record: dict) -> dict:
        """Arrays of a record, and `cluster`: the number of each example's cluster, in the order in which they come."""
        if record["id"] not in self._items:
            with np.load(self.path / "items" / f"{record['id']}.npz") as stored:
                items = {name: stored[name] for name in stored.files}
            ids = json.loads((self.path / "scores" / f"{record['id']}.json").read_text())
            numbers: dict = {}
            named = ids.get("clusters") or ids["examples"]
            items["cluster"] = np.array([numbers.setdefault(name, len(numbers)) for name in named])
            self._items[record["id"]] = items
        return self._items[record["id"]]

    def theta(self, record: dict, metric: str) -> float:
        """Metric of one record over all its examples, as a share, in nats, or as a count."""
        items = self.items(record)
        if metric in COUNTS:
            return float(np.sum(~np.isnan(items[COUNTS[metric]])))
        if metric == "num_predictions":
            return float(items[metric].sum())
        if metric in RECORDED:
            return record["metrics"][metric]
        if "_standard_error" in metric:
            return sandwich(self.moves(record, metric.replace("_standard_error", ""))[1])
        return self.moves(record, metric)[0]

    def moves(self, record: dict, metric: str) -> tuple:
        """theta, u (clusters,), w (clusters,) of one record; KeyError where the metric is not known here."""
        items = self.items(record)
        if metric in items:
            return _mean(items[metric], items["cluster"])
        cluster = items["cluster"]
        group = deal(np.bincount(cluster))[cluster]
        w = np.bincount(group) / len(group)
        if metric == "perplexity" or metric.startswith("mlm_loss"):
            theta, without = _ratio(items, metric, group)
        else:
            theta, *without = [_best(items, metric, group != left_out) for left_out in (-1, *range(len(w)))]
        return theta, (1 - w) * (theta - np.array(without)), w


def _leaves(config: dict, path: str = "") -> Iterator[tuple]:
    """Settings by their dotted names, without those that are none of a recipe."""
    for name, value in config.items():
        if path + name in NO_RECIPE:
            continue
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def _mean(values: np.ndarray, cluster: np.ndarray) -> tuple:
    there = ~np.isnan(values)
    _, cluster = np.unique(cluster[there], return_inverse=True)
    w = np.bincount(cluster) / len(cluster)
    theta = values[there].mean()
    return theta, np.bincount(cluster, values[there]) / len(cluster) - w * theta, w


def _ratio(items: dict, metric: str, group: np.ndarray) -> tuple:
    """Losses over predictions, whole and without each group; perplexity is its exponential."""
    layout, shape = ("", np.exp) if metric == "perplexity" else (metric.removeprefix("mlm_loss"), np.asarray)
    losses, counts = (np.bincount(group, items[name + layout]) for name in ("loss_sum", "num_predictions"))
    return float(shape(losses.sum() / counts.sum())), shape((losses.sum() - losses) / (counts.sum() - counts))


def _best(items: dict, metric: str, there: np.ndarray) -> float:
    """SQuAD 2.0's best F1 or exact match over thresholds of the probability of no answer, or that threshold."""
    name = "f1" if "f1" in metric else "exact"
    probability, answer, none = (items[key][there] for key in ("none_probability", f"answer_{name}", f"none_{name}"))
    order = np.argsort(probability, kind="stable")
    totals = none.sum() + np.concatenate([[0.0], np.cumsum((answer - none)[order])])
    best = int(np.argmax(totals))
    if metric.endswith("_thresh"):
        return float(probability[order][best - 1]) if best else 0.0
    return float(totals[best] / len(probability))
