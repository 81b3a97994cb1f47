"""Sentences of a report: the answer, captions, and what LaTeX has as lists where the page has tables."""

import re

import numpy as np
from checks import Checks, _plateau
from comparisons import by_label, labels
from folder import unit
from formulas import Side, estimate
from published import BOLD, Block, key, numbers

DIFFERENCE = re.compile(
    r" is ([+−][\d.,]+) .*?, 95 % interval \[([^,\]]+), +([^\]]+)\], +p \(Holm\) (< ?\.\d+|[\d.]+\d|–), +(\d+)"
)
EQUAL = re.compile(r"Equality within ([\d.,]+) .*?p \(Holm\) (< ?\.\d+|[\d.]*\d|–)")
NEEDED = re.compile(r"A difference of ([\d.,]+) .*? would need (.*?) seeds? per arm")
IN_PAIRS = re.compile(
    r"held-out MLM loss in the pair layout ([+−][\d.]+) nats; +recall gain in the pair layout ([+−][\d.]+) nats"
)
BELOW = re.compile(r"([^;:]+?) on ([^;(]+?) \((−?[\d.]+), +standard error ([\d.]+); +([a-z ]+?) (−?[\d.]+)\)")
BASELINE_WORDS = ("baseline", "score", "standard error", "best baseline")
EVERY = re.compile(
    r"every encoder on ([^;(]+?) \((−?[\d.]+)(?: to (−?[\d.]+))?, +standard error at most ([\d.]+); +([a-z ]+?) (−?[\d.]+)\)"
)


class Sentences:
    def __init__(self, checks: Checks):
        self.checks, self.ledger, self.folder = checks, checks.ledger, checks.folder

    def paragraph(self, block: Block, document: str) -> None:
        text, place = re.sub(r"\s+", " ", block.text.replace(BOLD, "")), f"{document}, {block.section}"
        if DIFFERENCE.search(text):
            self._answer(text, place)
        elif found := re.search(r"(None|All|\d+) (?:of the )?(\d+) planned comparisons", text):
            told = sum(one.tested and one.verdict() != "not told" for one in self.checks.family)
            self.ledger.number("verdicts", place, {"None": "0", "All": found[2]}.get(found[1], found[1]), told)
            self.ledger.number("verdicts", place, found[2], len(self.checks.family))
        elif found := re.match(r"\\item (.*?): (mean|measure|arms) ", text):
            self._list(found[1], text[found.start(2) :].rstrip("."), place)
        elif "Holm's correction over all" in text:
            self._plan(text, place)
        elif "Development sets," in text:
            self._caption(text, place)
        elif found := re.search(r"(\d+) finished results", text):
            done = sum(record["status"] == "done" for record in self.folder.records)
            self.ledger.number("numbers of records", place, found[1], done)
        elif not self._card(text, place):
            self.ledger.leave(place, text)

    def _named(self, one: object) -> set:
        """All ways to write `A − B` of a comparison."""
        sides = [
            {key(name)} | (labels(arm) if arm else set())
            for name, (arm, _) in zip((one.a, one.b), one.arms, strict=True)
        ]
        return {f"{a}−{b}" for a in sides[0] for b in sides[1]}

    def _answer(self, text: str, place: str) -> None:
        found = DIFFERENCE.search(text)
        before = key(text[: found.start()])
        for one in self.checks.family:
            if any(before.endswith(name) for name in self._named(one)):
                break
        else:
            self._contrast(found, before, text, place)
            return
        value, low, high, p, seeds = found.groups()
        ledger, kind = self.ledger, "answer in words"
        for name, words, number in zip(
            ("mean", "low", "high", "p (Holm)", "seeds"),
            (value, low, high, p, seeds),
            (one.estimate.value, *one.estimate.interval(), one.p_holm, one.num_seeds),
            strict=True,
        ):
            ledger.number(kind, f"{place}: {one.a} - {one.b}, {name}", words, number)
        if equal := EQUAL.search(text):
            ledger.number(kind, f"{place}: {one.a} - {one.b}, margin", equal[1], one.margin)
            ledger.number(kind, f"{place}: {one.a} - {one.b}, p equal", equal[2], one.p_equal_holm)
        if needed := NEEDED.search(text):
            ledger.number(kind, f"{place}: {one.a} - {one.b}, effect", needed[1], self.checks.effect)
            ledger.cell(kind, f"{place}: {one.a} - {one.b}, seeds needed", needed[2], self.checks._needed(one))
        if pairs := IN_PAIRS.search(text):
            for words, task, metric in zip(
                pairs.groups(),
                ("heldout_mlm", "in_context_recall"),
                ("mlm_loss_pair", "recall_gain_pair_in_range"),
                strict=True,
            ):
                ledger.number(kind, f"{place}: {one.a} - {one.b}, {metric}", words, one.difference(task, metric))
        ledger.note("verdicts", f"{place}: {one.a} - {one.b}", text[:60], one.verdict(), _said(text, one))

    def _contrast(self, found: re.Match, before: str, text: str, place: str) -> None:
        one = next((one for one in self.checks.contrasts if before.endswith(key(one.shown))), None)
        if one is None:
            self.ledger.note("answer in words", place, text[:80], "no such comparison", False)
            return
        expected = (one.estimate.value, *one.estimate.interval(), one.p_holm, one.num_seeds)
        for name, words, number in zip(("mean", "low", "high", "p (Holm)", "seeds"), found.groups(), expected, strict=True):
            self.ledger.number("contrasts", f"{place}: answer, {name}", words, number)
        said = before.removeprefix("\\item").removeprefix("-")
        self.ledger.note("verdicts", place, text[:60], one.verdict(), said.lower().startswith(key(one.verdict())))

    def _list(self, label: str, text: str, place: str) -> None:
        cells = {}
        for part in text.split("; "):
            name = next((n for n in NAMES if part.strip().startswith(n + " ")), None)
            if name is None:
                self.ledger.leave(place, part)
            else:
                cells[key(name)] = part.strip()[len(name) + 1 :]
        line = self.checks.contrast_line if "arms" in cells else self.checks.comparison_line
        line(key(label), cells, place)

    def _plan(self, text: str, place: str) -> None:
        if found := re.search(r"(\d+) tests?, ", text):
            self.ledger.number("the plan", f"{place}, tests", found[1], self.checks.tests)
        margins = {one.margin for one in self.checks.family} - {None}
        if found := re.search(r"Equal is within ([\d.,]+) ", text):
            self.ledger.number("the plan", f"{place}, margin", found[1], min(margins, default=None))
        if found := re.search(r"for ([\d.,]+) [^.]*? with power", text):
            self.ledger.number("the plan", f"{place}, smallest effect", found[1], self.checks.effect)

    def _caption(self, text: str, place: str) -> None:
        arms = [arm for arm in self.folder.arms if arm.encoders]
        if arms and (found := re.search(r"(\d+) pre-training seeds?( × (\d+) fine-tuning)?", text)):
            most = max(len(seeds) for arm in arms for task in self.folder.tasks if (seeds := arm.of(task)))
            self.ledger.number("numbers of seeds", place, found[1], most)
        if found := re.search(r"([\d.]+)(?:–([\d.]+))? M real tokens", text):
            means = [np.mean([one["tokens"] for one in arm.encoders]) / 1e6 for arm in arms]
            ends = (min(means), max(means)) if found[2] else (np.mean(means),)
            for words, value in zip((w for w in found.groups() if w), ends, strict=True):
                self.ledger.number("counts and losses of pre-training", f"{place}, M real tokens", words, value)
        if found := re.search(r"Plateau of .*?: (.*?)\. Until then", text):
            for part in found[1].split("; "):
                self._plateau(part, place)
        rest = re.sub(
            r"([\d.]+)(?:–([\d.]+))? M real tokens|\d+ pre-training seeds?|Plateau of .*?Until then", "", text
        )
        self.ledger.leave(f"{place}: settings in the caption", rest)
        self._below(text, place)

    def _plateau(self, part: str, place: str) -> None:
        known = {label for arm in self.folder.arms for label in labels(arm)}
        label = max((label for label in known if key(part).startswith(label)), key=len, default="")
        if (arm := by_label(self.folder, label)) is None:
            self.ledger.leave(f"{place}: plateau", part)
            return
        said = key(part)[len(label) :]
        expected = _plateau(arm.encoders)
        if said == "never":
            self.ledger.note("plateau", place, part, expected, expected == [len(arm.encoders)] * 2)
        else:
            self.ledger.cell("plateau", f"{place}: {label}", said, expected)

    def _below(self, text: str, place: str) -> None:
        """Encoders that are said not to beat their best baseline by two standard errors: of the mean over seeds, over
        examples alone."""
        for who, title, score, error, name, baseline in BELOW.findall(text):
            arm = by_label(self.folder, key(who))
            found = self._beside_baseline(arm, title) if arm else None
            if found is None:
                self.ledger.leave(f"{place}: {who}", f"{score} {error} {baseline}")
                continue
            said = (name, score, error, baseline)
            for what, words, value in zip(BASELINE_WORDS, said, found, strict=True):
                self._said_below(f"{place}: {who} on {title}, {what}", words, value)
        for title, low, high, error, name, baseline in EVERY.findall(text):
            encoders = [arm for arm in self.folder.arms if arm.kind != "random"]
            found = [one for arm in encoders if (one := self._beside_baseline(arm, title))]
            names, scores, errors, baselines = zip(*found, strict=True)
            ends = (min(scores), max(scores))
            said = [(name, names[0]), (low, ends[0]), (high or low, ends[1]), (error, max(errors)), (baseline, baselines[0])]
            for words, value in said:
                self._said_below(f"{place}: every encoder on {title}", words, value)

    def _said_below(self, place: str, words: str, value: float | str) -> None:
        if isinstance(value, str):
            self.ledger.note("baselines not beaten", place, words, value, words == value)
        else:
            self.ledger.number("baselines not beaten", place, words, value)

    def _beside_baseline(self, arm: object, title: str) -> tuple | None:
        """Name of an encoder's best baseline on a task, its own score, its standard error, and the baseline's score."""
        task = next((t for t, settings in self.folder.tasks.items() if settings["title"] == title), None)
        if task is None or not arm.of(task):
            return None
        metric = self.folder.primary[task]
        best = self._baselines(arm, task, metric)
        side = arm.side(task, metric)
        mean = estimate([Side(side.theta.mean(keepdims=True), side.u.mean(axis=0, keepdims=True), side.w)])
        return max(best, key=best.get), side.theta.mean(), np.sqrt(mean.variance), max(best.values())

    def _baselines(self, arm: object, task: str, metric: str) -> dict:
        """What stands beside a score, in the published unit; the untrained encoder by its mean over seeds."""
        record = next(iter(arm.of(task).values()))[0]
        found = {
            "majority": record["majority"],
            "bag of words": record["bag_of_words"],
            "foreign contexts": record["metrics"].get("foreign_contexts"),
        }
        found = {name: unit(metric) * value for name, value in found.items() if value is not None}
        untrained = [one.thetas(task, metric) for one in self.folder.arms if one.kind == "random" and one.of(task)]
        return found | ({"untrained encoder": np.mean(np.concatenate(untrained))} if untrained else {})

    def _card(self, text: str, place: str) -> bool:
        """Lists of a data card: each part is a line of some card; True where all parts are."""
        lines = {
            key(f"{line['title']} {line['text']}") for card in self.folder.cards.values() for line in card["lines"]
        }
        body = re.sub(r"^(- |\\item )?[^:]*: ", "", text).rstrip(".")
        parts = body.split("; ")
        if not lines or not all(key(part) in lines for part in parts):
            return False
        self.ledger.note("data card (as recorded)", place, text, "", True, len(numbers(body)))
        return True


NAMES = (
    "mean", "measure", "arms", "95 % interval", "simultaneous", "p equal (Holm)", "p (Holm)", "p", "seeds needed", "seeds",
    "correlation", "verdict", "multi-bootstrap",
)  # fmt: skip


def _said(text: str, one: object) -> bool:
    """Whether the head of an answer says the verdict."""
    head = key(text[: text.index(" is ")])
    words = one.verdict()
    if words == "not told":
        return "Nottold:" in head
    a, b = (
        {key(name)} | (labels(arm) if arm else set()) for name, (arm, _) in zip((one.a, one.b), one.arms, strict=True)
    )
    if "above" in words:
        first, second = (a, b) if words.startswith("a") else (b, a)
        return any(f"{x}above{y}" in head for x in first for y in second)
    return "equalwithin" in head.lower()
