"""Record the golden runs anew: `python tests/golden/make.py [reads losses scores]`; prints what changed.

`--check` prints and writes nothing. Scores are recorded for the kind of CPU that runs this, beside those of others.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import driver
import numpy as np

ROUNDING = 1e-4  # nats, over thirty updates; measured in test_golden_losses.py
GOLDEN = Path(__file__).with_name("golden.json")


def paths(artifacts: Path) -> list[str]:
    return [f"paths.artifacts={artifacts}", f"paths.results={artifacts / 'results'}"]


def reads(golden: dict[str, Any], name: str, artifacts: Path, accumulation: int = 1) -> str:
    """Return a SHA-256 over what the variant's first updates read, however they are cut in micro-batches."""
    words = [*golden["common"], *golden["variants"][name]["words"], "stage=pretrain", *paths(artifacts)]
    digest = hashlib.sha256()
    for update in driver.updates(words, golden["num_updates"], accumulation):
        digest.update(np.int64(len(update["lengths"])).tobytes())
        for field in ("lengths", "input_ids", "labels", "token_type_ids", "pair_labels"):
            assert update[field].dtype == np.int64, field
            digest.update(update[field].tobytes())
    return digest.hexdigest()


def losses(golden: dict[str, Any], name: str, artifacts: Path, num_threads: int = 1) -> dict[str, list[float]]:
    """Return the losses of each of the variant's first updates, in nats."""
    words = [*golden["common"], *golden["variants"][name]["words"], *paths(artifacts)]
    found = driver.losses(words, artifacts, num_threads)
    assert all(len(values) == golden["num_updates"] for values in found.values())
    return {loss: [float(f"{value:.8g}") for value in values] for loss, values in found.items()}


def scores(golden: dict[str, Any], artifacts: Path, num_threads: int = 1) -> dict[str, dict[str, Any]]:
    """Return for each task its metrics and digests of what it says of each example."""
    pairs = artifacts / "pairs"
    pairs.mkdir(parents=True)
    write_minimal_pairs(pairs / "pairs.jsonl")
    words = [*golden["common"], *golden["scores"]["words"], f"tasks.blimp.path={pairs}", *paths(artifacts)]
    found = driver.results(words, artifacts, artifacts / "results" / "golden", num_threads)
    return {task: _digested(result) for task, result in found.items()}


def _digested(result: dict[str, Any]) -> dict[str, Any]:
    predictions = json.dumps(result["predictions"], sort_keys=True).encode()
    return {
        "metrics": dict(sorted(result["metrics"].items())),
        "loss": result["loss"],
        "scores_sha256": hashlib.sha256(result["scores"].tobytes()).hexdigest(),
        "predictions_sha256": hashlib.sha256(predictions).hexdigest(),
    }


def write_minimal_pairs(path: Path) -> None:
    """Write 40 sentences in the micro-world's words, each beside itself with two words swapped, in turns the sound one
    and the other called good: whatever a model prefers, it is right in some."""
    lines = []
    for number in range(40):
        name, town = (
            ("Anna", "Ben", "Clara", "David")[number % 4],
            ("Rome", "Oslo", "Bonn", "Paris", "Lima")[number % 5],
        )
        orders = [f"{name} lives in {town}.", f"{name} in lives {town}."]
        pair = dict(zip(("sentence_good", "sentence_bad"), orders[:: 1 - 2 * (number % 2)], strict=True))
        rest = {"UID": f"order_{number % 2}", "pairID": str(number), "linguistics_term": "order"}
        lines.append(json.dumps(pair | rest))
    path.write_text("\n".join(lines) + "\n")


def cpu_kind() -> str:
    """Return what decides how sums round: the model of the CPU, torch's instruction set and torch's version."""
    import torch

    path = Path("/proc/cpuinfo")
    facts = dict(re.findall(r"^([^\t:]+)\t*: *(.*)$", path.read_text(), re.MULTILINE)) if path.exists() else {}
    number = "/".join(facts.get(name, "?") for name in ("cpu family", "model", "stepping"))
    name = facts.get("model name", "unknown CPU")
    return f"{name} ({number}), {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"


def largest_difference(old: list[float], new: list[float]) -> float:
    """Return the largest absolute difference of two curves, in nats; infinite where their lengths differ."""
    return max(abs(a - b) for a, b in zip(old, new, strict=True)) if len(old) == len(new) else float("inf")


def main() -> None:
    """Record what is asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["reads", "losses", "scores"])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--threads", type=int, default=1, help="of torch; the tests use 1")
    arguments = parser.parse_args()
    golden, makers = json.loads(GOLDEN.read_text()), driver.makers()
    with tempfile.TemporaryDirectory() as folder:
        for name, variant in golden["variants"].items():
            if "reads" in arguments.what and name != "dropout":  # which reads what `full` does
                _put(variant, "reads", reads(golden, name, Path(folder)), name, makers)
            if "losses" in arguments.what:
                for loss, values in losses(golden, name, Path(folder), arguments.threads).items():
                    _put(variant, loss, values, name, makers)
            variant["makers"] = makers
    if "scores" in arguments.what:
        with tempfile.TemporaryDirectory() as folder:
            recorded = golden["scores"]["by_cpu"].setdefault(cpu_kind(), {})
            for task, result in scores(golden, Path(folder), arguments.threads).items():
                _put(recorded, task, result, cpu_kind(), makers)
    if not arguments.check:
        GOLDEN.write_text(_as_text(golden))


def _put(recorded: dict[str, Any], key: str, new: Any, where: str, makers: dict[str, int]) -> None:
    """Put a value in its place and print how it differs from the one that was there.

    Raises SystemExit for another value by makers of the same numbers: what older ones made would be taken for theirs.
    """
    old = recorded.get(key)
    if old is not None and _differs(old, new) and recorded.get("makers") == makers:
        sys.exit(f"{where} {key} changes: raise the number of its maker in MAKERS (pipeline/chain.py), then record")
    recorded[key] = new
    if isinstance(new, list) and isinstance(old, list):
        first, all_of_them = largest_difference(old[:3], new[:3]), largest_difference(old, new)
        print(f"{where} {key}: largest difference {first:.1e} nats in the first three, {all_of_them:.1e} in all")
    else:
        print(f"{where} {key}: {'as before' if old == new else f'was {old}, is {new}'}")


def _differs(old: Any, new: Any) -> bool:
    """Whether a value is another one; losses round differently from one kind of CPU to the next."""
    return largest_difference(old, new) > ROUNDING if isinstance(new, list) else old != new


def _as_text(golden: dict[str, Any]) -> str:
    """Return JSON with each list on one line."""
    text = json.dumps(golden, indent=1)
    return re.sub(r"\[[^\[\]]*\]", lambda found: " ".join(found[0].split()), text) + "\n"


if __name__ == "__main__":
    main()
