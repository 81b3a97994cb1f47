"""Holds tables and sentences of a report against what `folder` and `comparisons` compute anew."""

import csv
import re

import numpy as np
from comparisons import Comparison, Contrast, by_label, correct, correct_contrasts, labels
from folder import Arm, Folder, unit
from formulas import estimate
from published import BOLD, MISSING, Block, Ledger, key, numbers

UNITS = {"accuracy": "acc.", "f1": "F1", "perplexity": "ppl", "exact_match": "EM"}
LAYOUTS = {"FULL": "mlm_loss_full", "DOC": "mlm_loss_doc", "pair": "mlm_loss_pair"}
PRETRAINING = {
    "updates": lambda p: p["updates"],
    "Mtokens": lambda p: p["tokens"] / 1e6,
    "specialtokens": lambda p: 100 * p["special_tokens"] / p["tokens"],
    "Mmaskabletokens": lambda p: p["maskable_tokens"] / 1e6,
    "Mpredictions": lambda p: p["predictions"] / 1e6,
    "Mcorpustokensreadonceormore": lambda p: p["unique_tokens"] / 1e6,
    "padding": lambda p: 100 * p["padding_tokens"] / (p["padding_tokens"] + p["tokens"]),
    "sequences": lambda p: p["sequences"],
    "passes": lambda p: p["passes"],
    "trimmedtokens": lambda p: p["trimmed_tokens"],
    "P(randomnext)": lambda p: p["realised_random_next"],
    "NSPaccuracy": lambda p: 100 * p["nsp_accuracy"],
    "NSPmajority": lambda p: 100 * max(p["realised_random_next"], 1 - p["realised_random_next"]),
    "MLMloss": lambda p: p["mlm_loss"],
    "seconds": lambda p: p["seconds"],
}
REFERENCES = {"bagofwords": "bag_of_words", "majority": "majority", "chance": "chance"}


class Checks:
    def __init__(self, folder: Folder, ledger: Ledger):
        self.folder, self.ledger = folder, ledger
        self._summaries: dict = {}
        self.columns = {}  # header without white space -> (task, metric)
        for task, settings in folder.tasks.items():
            for metric in {name for record in folder.records if record["task"] == task for name in record["metrics"]}:
                measure = "gain, nats" if metric in ("recall_gain", "context_gain") else UNITS.get(metric, metric)
                self.columns[key(f"{settings['title']} {measure}")] = (task, metric)
        self.family: list = []
        self.others: list = []
        self.contrasts: list = []
        self.tests, self.effect = 0, None

    # Scores -----------------------------------------------------------------------------------------------------------

    def summary(self, arm: Arm, task: str, metric: str) -> list:
        """Median and mean over seeds, low and high of the mean's interval; None where there are no example scores."""
        wanted = (id(arm), task, metric)
        if wanted not in self._summaries:
            thetas = arm.thetas(task, metric)
            try:
                ends = estimate([arm.side(task, metric)]).interval()
            except KeyError:
                ends = (None, None)
            self._summaries[wanted] = [float(np.median(thetas)), float(thetas.mean()), *ends]
        return self._summaries[wanted]

    def records(self) -> None:
        """Every metric of every record from its items, its scores from the items, and its counts against each other."""
        for record in self.folder.records:
            if record["status"] != "done":
                continue
            items, place = self.folder.items(record), f"records/{record['id']}.json"
            for metric, value in record["metrics"].items():
                try:
                    theta = self.folder.theta(record, metric)
                except KeyError:
                    self.ledger.leave(f"records: {record['task']}.{metric}, no formula here", "1")
                    continue
                self.ledger.number("metrics of records", f"{place} {metric}", repr(value), theta, significant=12)
            for name, parts in (("recall_gain", ("_single_in_range", "_pair_in_range")), ("context_gain", ())):
                if name in items:
                    mean = sum(items[name + part] for part in parts) / 2 if parts else items["foreign_context_loss"]
                    mean = mean if parts else mean - items["true_context_loss"]
                    equal = np.allclose(items[name], mean, rtol=0, atol=1e-9, equal_nan=True)
                    self.ledger.note("gains of examples", f"{place} {name}", "items", "its parts", equal, len(mean))
            stored = np.load(self.folder.path / "scores" / f"{record['id']}.npy")
            primary = record["primary_metric"]
            scores = items[primary] if primary in items else np.exp(items["loss_sum"] / items["num_predictions"])
            equal = np.allclose(stored, scores, rtol=1e-9, equal_nan=True)
            self.ledger.note("scores of examples", place.replace("json", "npy"), "scores", "items", equal, len(scores))
            self._counts(record, place)

    def _counts(self, record: dict, place: str) -> None:
        read, card = record["pretraining"], self.folder.cards.get(record["card"])
        if not read or read.get("maskable_tokens") is None:
            return
        total = read["maskable_tokens"] + read["special_tokens"]
        self.ledger.number("counts of records", f"{place} tokens", str(read["tokens"]), total)
        if card:
            corpus = next(line["value"]["total"] for line in card["lines"] if line["name"] == "tokens_per_document")
            self.ledger.number(
                "counts of records",
                f"{place} passes",
                repr(read["passes"]),
                read["maskable_tokens"] / corpus,
                significant=12,
            )

    def table_csv(self, rows: list) -> None:
        for row in rows:
            task, metric, place = (
                row["task"],
                row["metric"],
                f"table.csv {row['condition']} {row['task']}.{row['metric']}",
            )
            arms = [a for a in self.folder.arms if (a.kind, a.records[0]["science"]) == (row["arm"], row["science"])]
            arms = [arm for arm in arms if arm.of(task)]
            if len(arms) != 1:
                self.ledger.note("table.csv", place, "a row", f"{len(arms)} arms", False)
                continue
            try:
                values = self.summary(arms[0], task, metric)
            except KeyError:
                self.ledger.leave(f"table.csv: {task}.{metric}, no formula here", " 1" * 4)
                continue
            values = values if row["interval"] != "none" else [*values[:2], None, None]
            for name, value in zip(("median", "mean", "low", "high"), values, strict=True):
                self.ledger.number("scores and intervals", f"{place} {name}", row[name], value, decimals=6)
            seeds = arms[0].of(task)
            counts = (
                len(seeds),
                max(sum(r["finetuning_seed"] is not None for r in records) for records in seeds.values()),
            )
            failed = sum(r["task"] == task and r["status"] == "failed" for r in arms[0].records)
            for name, value in zip(("pretraining_seeds", "finetuning_seeds", "failed"), (*counts, failed), strict=True):
                self.ledger.number("numbers of seeds", f"{place} num_{name}", row[f"num_{name}"], value)
            self.ledger.leave(
                "table.csv: settings and the paper's own number", f"{row['batch']} {row['updates']} {row['published']}"
            )

    # Comparisons ------------------------------------------------------------------------------------------------------

    def comparisons_csv(self, rows: list, text: str) -> None:
        """`text` is table.md, which says the smallest effect that the plan calls important."""
        for row in rows:
            margin = float(row["margin"]) if row["margin"] else None
            one = Comparison(self.folder, row["a"], row["b"], row["task"], row["metric"], margin)
            (self.family if row["primary"] == "True" else self.others).append(one)
        self.tests, self.effect = correct(self.family), self._plan(text)
        for row, one in zip(rows, self.in_order(rows), strict=True):
            place = f"comparisons.csv {row['a']} - {row['b']} {row['task']}.{row['metric']}"
            self._comparison_row(row, one, place)

    def contrasts_csv(self, rows: list) -> None:
        """After the comparisons, whose tests the correction counts."""
        self.contrasts = [Contrast(self.folder, r["what"], r["arms"], r["task"], r["metric"]) for r in rows]
        correct_contrasts(self.contrasts, self.family)
        for row, one in zip(rows, self.contrasts, strict=True):
            place, found = f"contrasts.csv {one.what}", one.estimate
            ends = found.interval() if found else (None, None)
            for name, value in zip(("value", "low", "high"), (found.value if found else None, *ends), strict=True):
                self.ledger.number("contrasts", f"{place} {name}", row[name], value, decimals=6)
            for name in ("p", "p_holm"):
                self.ledger.number("contrasts", f"{place} {name}", row[name], getattr(one, name), significant=7)
            self.ledger.number("contrasts", f"{place} seeds", row["num_pretraining_seeds"], one.num_seeds)
            self.ledger.note("verdicts", f"{place} verdict", row["verdict"], one.verdict(), row["verdict"] == one.verdict())

    def contrast_line(self, label: str, cells: dict, place: str) -> None:
        (one,) = [one for one in self.contrasts if key(one.what) == label]
        found, where = one.estimate, f"{place}: {label}"
        ends = found.interval() if found else (None, None)
        values = {
            "mean": [found.value if found else None],
            "95%interval": [*ends],
            "p": [one.p],
            "p(Holm)": [one.p_holm],
            "seeds": [one.num_seeds],
        }
        for name, expected in values.items():
            self.ledger.cell("contrasts", f"{where}, {name}", cells.get(name, "–"), expected)
        said = cells["verdict"]
        self.ledger.note("verdicts", where, said, one.verdict(), said == one.verdict())
        shown = cells["arms"]
        self.ledger.note("contrasts", where, shown, one.shown, key(shown) == key(one.shown))

    def in_order(self, rows: list) -> list:
        family, others = iter(self.family), iter(self.others)
        return [next(family if row["primary"] == "True" else others) for row in rows]

    def _comparison_row(self, row: dict, one: Comparison, place: str) -> None:
        found, primary = one.estimate, row["primary"] == "True"
        ends = found.interval() if found else (None, None)
        every = found.interval(0.05 / self.tests) if primary and one.tested else (None, None)
        names = ("difference", "low", "high", "low_simultaneous", "high_simultaneous")
        for name, value in zip(names, (found.value if found else None, *ends, *every), strict=True):
            self.ledger.number("differences and intervals", f"{place} {name}", row[name], value, decimals=6)
        for name in ("p", "p_holm", "p_equal", "p_equal_holm"):
            self.ledger.number("p, Holm, equality", f"{place} {name}", row[name], getattr(one, name), significant=7)
        self.ledger.number("numbers of seeds", f"{place} seeds", row["num_pretraining_seeds"], one.num_seeds)
        if primary and one.tested and self.effect is not None:
            least = one.needed(self.effect, self.tests)[0]
            self.ledger.number(
                "seeds needed", f"{place} seeds_needed", row["seeds_needed"] or "over 1000", least or np.inf
            )
        if primary:
            equal = re.sub(r"( within)? [\d.]+.*$", r"\1", row["verdict"]).strip() == one.verdict().strip()
            self.ledger.note("verdicts", f"{place} verdict", row["verdict"], one.verdict(), equal)

    def _plan(self, text: str) -> float | None:
        """The smallest effect of the published plan, held against the plan in the folder's own records."""
        found = re.search(r"for ([\d.,]+) [^.]*? with power \.8", text)
        effect = float(found[1].replace(",", "")) if found else None
        own = [r["config"]["report"] for r in self.folder.records if r["config"]["name"] == r["name"]]
        if own and effect is not None:
            self.ledger.number("the plan", "smallest effect", found[1], own[-1]["smallest_effect"])
        for one in self.family if own else []:
            if one.margin is not None:
                self.ledger.number("the plan", f"margin of {one.a} - {one.b}", str(one.margin), own[-1]["margin"])
        return effect

    def comparison_cell(self, one: Comparison, name: str, text: str, place: str) -> None:
        found = one.estimate
        if name == "verdict":
            words = (
                one.verdict()
                .replace("a above b", f"{one.a} above {one.b}")
                .replace("b above a", f"{one.b} above {one.a}")
            )
            said = re.sub(r" [\d.]+ \S.*$", "", text.replace(BOLD, "")).strip() if "within" in words + text else text
            self.ledger.note("verdicts", place, text, words, key(said).startswith(key(words.split(",")[0])))
            return
        if name == "multi-bootstrap":
            self._bootstrap(one, text, place)
            return
        values = {
            "mean": lambda: [found.value if found else None],
            "95%interval": lambda: found.interval() if found else (None, None),
            "simultaneous": lambda: found.interval(0.05 / self.tests) if one.tested else (None, None),
            "p": lambda: [one.p],
            "p(Holm)": lambda: [one.p_holm],
            "pequal(Holm)": lambda: [one.p_equal_holm],
            "seeds": lambda: [one.num_seeds],
            "correlation": lambda: [one.correlation],
            "seedsneeded": lambda: self._needed(one),
        }
        if name not in values:
            self.ledger.leave(f"comparisons: {name}", text)
            return
        self.ledger.cell(KINDS.get(name, "p, Holm, equality"), place, text, list(values[name]()))

    def _needed(self, one: Comparison) -> list:
        if not one.tested or self.effect is None:
            return [None]
        return [np.inf if number is None else number for number in one.needed(self.effect, self.tests)]

    def _bootstrap(self, one: Comparison, text: str, place: str) -> None:
        """Random draws agree within chance alone: each end within 8 % of the interval's length."""
        found = [float(part.replace("−", "-").replace(",", "")) for part in numbers(text)]
        if one.bootstrap is None or not found:
            self.ledger.note(
                "multi-bootstrap (within chance)", place, text, one.bootstrap, not found and one.bootstrap is None
            )
            return
        low, high = one.bootstrap
        last = 0.5 * 10.0 ** -len(numbers(text)[0].partition(".")[2])
        for mine, theirs, word in zip((low, high), found, numbers(text), strict=True):
            near = abs(mine - theirs) <= 0.08 * (high - low) + last
            self.ledger.note("multi-bootstrap (within chance)", place, word, mine, near)

    # Tables of a document ---------------------------------------------------------------------------------------------

    def table(self, block: Block, document: str) -> None:
        header, rows = [key(name) for name in block.rows[0]], [key(row[0]) for row in block.rows[1:]]
        place = f"{document}, {block.section}"
        if any(name in self.columns for name in header):
            self._results(block, place)
        elif "95%interval" in header and "arms" in header:
            for label, cells in block.lines():
                self.contrast_line(label, cells, place)
        elif "95%interval" in header:
            for label, cells in block.lines():
                self.comparison_line(label, cells, place)
        elif "FULL" in rows + header or "recallgain,single" in rows + header:
            self._by_arm(block, place, self._layout)
        elif "Mtokens" in rows + header:
            self._by_arm(block, place, self._read)
        elif "hoursinall" in rows + header:
            self._by_arm(block, place, self._cost)
        elif "documents" in rows and "heldout" in rows:
            self._by_arm(block, place, self._card)
        else:
            for row in block.rows[1:]:
                self.ledger.leave(place, " ".join(row))

    def _results(self, block: Block, place: str) -> None:
        for label, cells in block.lines():
            arm = by_label(self.folder, label)
            for name, text in cells.items():
                where = f"{place}: {label}, {name}"
                task, metric = self.columns.get(name, (None, None))
                if task and arm and arm.of(task):
                    values = self.summary(arm, task, metric)
                    self.ledger.cell("scores and intervals", where, text, [values[0], *values[2:]])
                    if (better := self._better(arm, task, metric)) is not None:
                        self.ledger.note("bold", where, text, better, (BOLD in text) == better)
                elif task and label in REFERENCES | {"type-onlyceiling": ""}:
                    self._reference(label, task, metric, text, where)
                elif text not in MISSING:
                    self.ledger.leave(f"{place}: {label}", text)

    def _reference(self, label: str, task: str, metric: str, text: str, place: str) -> None:
        """Baselines are read from the records; the majority, where items have labels, is some label's share."""
        records = [record for record in self.folder.records if record["task"] == task and record["status"] == "done"]
        name = REFERENCES.get(label)
        found = {record[name] if name else record["metrics"].get("type_only_ceiling") for record in records}
        value = found.pop() if len(found) == 1 and metric == self.folder.primary[task] else None
        self.ledger.cell("baselines (as recorded)", place, text, [None if value is None else unit(metric) * value])
        items = self.folder.items(records[0])
        if name == "majority" and "label" in items and metric == "accuracy":
            shares = [float(np.mean(items["label"] == label)) for label in np.unique(items["label"])]
            nearest = min(shares, key=lambda share: abs(share - value))
            self.ledger.cell("majority from labels", place, text, [100 * nearest])

    def _better(self, arm: Arm, task: str, metric: str) -> bool | None:
        """Whether a verdict has this arm as the better one; None where nothing is planned on the measure."""
        if not self.family or (task, metric) != (self.family[0].task, self.family[0].metric):
            return None
        lower = "loss" in metric or metric == "perplexity"
        better = set()
        for one in self.family:
            if one.tested and one.p_holm < 0.05:
                better.add(id(one.arms[(one.estimate.value > 0) == lower][0]))
        return id(arm) in better

    def comparison_line(self, label: str, cells: dict, place: str) -> None:
        measure = cells.get("measure")
        among = self.family if measure is None else self.others
        task_metric = None if measure is None else self.columns.get(key(measure))
        found = [c for c in among if key(f"{c.a} − {c.b}") == label and task_metric in (None, (c.task, c.metric))]
        if not found and all(text.strip() in MISSING | {"0", measure, "not told"} for text in cells.values()):
            return  # a side without results
        if len(found) != 1:
            self.ledger.note(
                "differences and intervals", f"{place}: {label}", str(cells), f"{len(found)} comparisons", False
            )
            return
        for name, text in cells.items():
            if name != "measure":
                self.comparison_cell(found[0], name, text, f"{place}: {label}, {measure or 'planned'}, {name}")

    def _by_arm(self, block: Block, place: str, check: object) -> None:
        """Tables of arms and quantities, either way round."""
        arms = {label for arm in self.folder.arms for label in labels(arm)} | {"all"}
        turned = any(key(name) in arms for name in block.rows[0])
        for label, cells in block.lines():
            for name, text in cells.items():
                of, what = (name, label) if turned else (label, name)
                arm = by_label(self.folder, of)
                if arm is None and of != "all":
                    self.ledger.leave(f"{place}: {of}", text)
                else:
                    check(arm, what, text, f"{place}: {of}, {what}")

    def _layout(self, arm: Arm, what: str, text: str, place: str) -> None:
        name, _, size = what.partition(",")
        size = (
            "short"
            if size.endswith("48tokens")
            else {"inrange": "in_range", "singlesentences": "sentence"}.get(size, size)
        )
        metric = f"{LAYOUTS.get(name, '')}_{size}".rstrip("_")
        task = "heldout_mlm"
        if name == "recallgain":
            task, metric = "in_context_recall", "recall_gain_" + what.partition(",")[2].replace(",inrange", "_in_range")
        if not arm.of(task):
            self.ledger.note("layouts", place, text, None, text in MISSING)
            return
        self.ledger.cell("layouts", place, text, self.summary(arm, task, metric)[1:])

    def _read(self, arm: Arm, what: str, text: str, place: str) -> None:
        read = arm.encoders
        if what == "plateauleft,Mtokens":
            self.ledger.cell("plateau", place, text, _plateau(read)) if text != "never" else self.ledger.note(
                "plateau", place, text, _plateau(read), _plateau(read) in ([], [len(read)] * 2)
            )
            return
        if what not in PRETRAINING:
            self.ledger.leave(f"{place}", text)
            return
        try:
            value = float(np.mean([PRETRAINING[what](one) for one in read]))
        except TypeError:
            value = None
        self.ledger.cell("counts and losses of pre-training", place, text, [value])

    def _cost(self, arm: Arm | None, what: str, text: str, place: str) -> None:
        arms = [arm] if arm else self.folder.arms
        read = [one for a in arms for one in a.encoders]
        runs = [
            r["finetuning"]["seconds"]
            for a in arms
            for r in a.records
            if r["finetuning_seed"] and r["status"] == "done"
        ]
        hours = [one["seconds"] / 3600 for one in read]
        mean = {"Mtokensperencoder": "tokens", "FLOPsperencoder": "flops", "parameters": "parameters"}
        if what in mean:
            values = [one.get(mean[what]) for one in read]
            value = None if not values or None in values else float(np.mean(values)) / (1e6 if what[0] == "M" else 1)
        elif what == "device":
            return
        else:
            value = {
                "encoders": len(read) or None,
                "hoursperencoder": sum(hours) / len(read) if read else None,
                "fine-tuningruns": len(runs) or None,
                "fine-tuninghours": sum(runs) / 3600 if runs else None,
                "hoursinall": sum(hours) + sum(runs) / 3600,
            }[what]
        digits = {"significant": 3} if "hours" in what or "FLOPs" in what else {}
        self.ledger.cell("cost", place, text, [value], **digits)

    def _card(self, arm: Arm, what: str, text: str, place: str) -> None:
        cards = [self.folder.cards.get(record["card"]) for record in arm.records]
        lines = {key(line["title"]): line["text"] for card in cards[:1] if card for line in card["lines"]}
        equal = key(text) == key(lines.get(what, "–"))
        self.ledger.note("data card (as recorded)", place, text, lines.get(what), equal, len(numbers(text)) or 1)


def _plateau(read: list) -> list:
    """Least and most million tokens of the seeds that left it, and how many of how many did not."""
    left = [
        one["plateau"]["tokens"] / 1e6 for one in read if one.get("plateau") and one["plateau"]["tokens"] is not None
    ]
    stuck = len(read) - len(left)
    ends = sorted({round(min(left), 2), round(max(left), 2)}) if left else []
    return ends + ([stuck, len(read)] if stuck else [])


KINDS = {
    "mean": "differences and intervals",
    "95%interval": "differences and intervals",
    "simultaneous": "differences and intervals",
    "seeds": "numbers of seeds",
    "correlation": "correlation between arms",
    "seedsneeded": "seeds needed",
}


def read_csv(path: object) -> list:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
