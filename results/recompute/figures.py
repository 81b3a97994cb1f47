"""Holds marks of the figures against the numbers they stand for: an axis is read from its ticks, to 0.2 of a pixel."""

import csv
import re
from pathlib import Path

import numpy as np
from checks import Checks
from comparisons import by_label
from folder import Arm, unit
from published import key

NEAR = 0.2  # pixels; places are printed to 0.1, and so are the ticks that give the axis
KIND = "marks in figures"
ELEMENT = re.compile(r"<(text|line|circle|polyline|polygon|rect|path) ([^>]*?)/?>(?:([^<]*)</text>)?")


class Panel:
    """One panel of a figure: its elements as dictionaries, in the order in which they are drawn."""

    def __init__(self, source: str):
        self.elements = []
        for tag, attributes, text in ELEMENT.findall(source):
            self.elements.append({"tag": tag, "text": text, **dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))})
        texts = self.texts = [element for element in self.elements if element["tag"] == "text"]
        self.title = " ".join(e["text"] for e in texts if e["font-size"] == "12.5")
        self.notes = [e["text"] for e in texts if e.get("opacity") == ".72"]
        below = [e for e in texts if e.get("text-anchor") == "middle"]
        upright = [e for e in self.elements if e["tag"] == "line" and e.get("opacity") == "0.13" and e["x1"] == e["x2"]]
        lines = sorted({float(e["x1"]) for e in upright})  # a number near an edge stands beside its line
        places = lines if len(lines) == len(below) else [float(e["x"]) for e in below]
        self.x = _axis(list(zip(places, [e["text"] for e in below], strict=True)))
        at_left = [e for e in texts if e.get("text-anchor") == "end" and float(e["x"]) < 60 and e not in self.notes]
        self.y = _axis([(float(e["y"]) - 3.5, e["text"]) for e in at_left])

    def rows(self) -> list:
        """(label, elements) of panels that have an arm or a comparison per row: a number at the right begins a row."""
        found = []
        for element in self.elements:
            if element["tag"] == "text" and element.get("text-anchor") == "end" and element["x"] == "320":
                found.append(("", [element]))
            elif found and element["tag"] == "text" and element["x"] == "0" and element.get("opacity") != ".72":
                found[-1] = (found[-1][0] + key(element["text"]), found[-1][1])
            elif found:
                found[-1][1].append(element)
        return found


def _number(text: str) -> float:
    text = text.replace("−", "-").replace(",", "")
    return float(text.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(text[-1:], 1.0)


def _axis(ticks: list) -> object:
    """From a value to its place, linear or logarithmic, whichever the ticks fit; None where they are fewer than two."""
    if len(ticks) < 2:
        return None
    places, values = np.array([place for place, _ in ticks]), np.array([_number(text) for _, text in ticks])
    fits = [(np.polyfit(values, places, 1), np.asarray)]
    if values.min() > 0:
        fits.append((np.polyfit(np.log10(values), places, 1), np.log10))
        if len(ticks) == 2 and values.max() >= 10 * values.min():
            fits.reverse()
    line, scale = min(fits, key=lambda fit: round(np.abs(np.polyval(fit[0], fit[1](values)) - places).max(), 1))
    return lambda value: float(np.polyval(line, scale(value))) if value > 0 or scale is np.asarray else -np.inf


class Figures:
    def __init__(self, checks: Checks, path: Path):
        self.checks, self.ledger, self.folder, self.path = checks, checks.ledger, checks.folder, path

    def all(self) -> None:
        page = (self.path / "report.html").read_text()
        for file in sorted((self.path / "figures").glob("*.svg")):
            panels = re.findall(r"<g transform=[^>]*>(.*?)</g>", file.read_text(), flags=re.S)
            self.ledger.note(
                "figures of the page", file.name, "in report.html", "", all(p.strip() in page for p in panels)
            )
            read = {"scores": self._scores, "probes": self._scores, "comparisons": self._forest, "curves": self._curves}
            check = read.get(file.stem)
            if check is None or not panels:
                self.ledger.unread[f"figures/{file.name}: marks"] += sum(len(Panel(p).elements) for p in panels)
                continue
            check([Panel(panel) for panel in panels], f"figures/{file.name}")

    def _at(self, place: str, axis: object, value: float, drawn: str | float) -> None:
        self.ledger.note(KIND, place, str(drawn), axis(value), abs(axis(value) - float(drawn)) <= NEAR)

    def _bar(self, place: str, axis: object, ends: tuple, bar: dict) -> None:
        """An interval; where it goes on beyond the panel, the bar ends at an edge, under an arrow head."""
        for value, drawn in zip(ends, (float(bar["x1"]), float(bar["x2"])), strict=True):
            beyond = (axis(value) < 12 and drawn < 20) or (axis(value) > 308 and drawn > 300)
            self.ledger.note(KIND, place, str(drawn), axis(value), beyond or abs(axis(value) - drawn) <= NEAR)

    def _scores(self, panels: list, place: str) -> None:
        for panel in panels:
            measure = key(f"{panel.title} {re.sub(', (%|logarithmic)', '', panel.notes[-1])}") if panel.notes else ""
            if measure not in self.checks.columns or panel.x is None:
                self.ledger.unread[f"{place}: {panel.title}"] += len(panel.elements)
                continue
            task, metric = self.checks.columns[measure]
            for label, elements in panel.rows():
                arm = by_label(self.folder, label)
                if arm is None or not arm.of(task):
                    self.ledger.unread[f"{place}: {label}"] += len(elements)
                    continue
                self._arm(arm, task, metric, panel, elements, f"{place}: {panel.title}, {label}")

    def _arm(self, arm: Arm, task: str, metric: str, panel: Panel, elements: list, place: str) -> None:
        median, _, low, high = self.checks.summary(arm, task, metric)
        self.ledger.cell(KIND, place, elements[0]["text"], [median])
        lines = [e for e in elements if e["tag"] == "line" and e["stroke"].startswith("#")]
        for bar in [e for e in lines if e["y1"] == e["y2"]]:
            self._bar(f"{place}, interval", panel.x, (low, high), bar)
        for dot in [e for e in elements if e["tag"] == "circle"]:
            self._at(f"{place}, median", panel.x, median, dot["cx"])
        ticks = [e for e in lines if e["x1"] == e["x2"] and e["stroke-width"] == "1.3"]
        thetas = arm.thetas(task, metric)
        if ticks and len(ticks) != len(thetas):
            self.ledger.note(KIND, f"{place}, seeds", f"{len(ticks)} ticks", f"{len(thetas)} seeds", False)
        for tick, theta in zip(ticks, thetas, strict=False):
            self._at(f"{place}, seeds", panel.x, theta, tick["x1"])

    def _forest(self, panels: list, place: str) -> None:
        shown = [one for one in self.checks.family if one.estimate]
        rows = [(panel, row) for panel in panels for row in panel.rows() if row[1][0]["text"] != "–"]
        if len(rows) != len(shown) or any(panel.x is None for panel in panels):
            self.ledger.unread[place] += len(rows)
            return
        for (panel, (_, elements)), one in zip(rows, shown, strict=True):
            where, value = f"{place}: {one.a} - {one.b}", one.estimate.value
            self.ledger.cell(KIND, where, elements[0]["text"], [value])
            for dot in [e for e in elements if e["tag"] == "circle"]:
                self._at(where, panel.x, value, dot["cx"])
            for bar in [e for e in elements if e["tag"] == "line" and e["y1"] == e["y2"]]:
                level = 0.05 if float(bar["stroke-width"]) > 2 else 0.05 / self.checks.tests
                self._bar(f"{where}, interval at {level:.4f}", panel.x, one.estimate.interval(level), bar)

    # Learning curves --------------------------------------------------------------------------------------------------

    def _curves(self, panels: list, place: str) -> None:
        """Thin lines are seeds, thick ones their mean; the legend, the last panel, says whose a stroke is."""
        styles, stroke = {}, None
        for element in panels[-1].elements:
            if element["tag"] == "line":
                stroke = (element["stroke"], element.get("stroke-dasharray"))
                styles[stroke] = ""
            elif element["tag"] == "text" and stroke:
                styles[stroke] += key(element["text"])
        for panel in panels[:-1]:
            metric, factor = self._measure(panel)
            if metric is None or panel.x is None or panel.y is None:
                self.ledger.unread[f"{place}: {panel.title}"] += len(panel.elements)
                continue
            for stroke, label in styles.items():
                drawn = [
                    e
                    for e in panel.elements
                    if e["tag"] == "polyline" and (e["stroke"], e.get("stroke-dasharray")) == stroke
                ]
                arm = by_label(self.folder, label)
                if drawn and arm:
                    self._lines(panel, arm, metric, factor, drawn, f"{place}: {panel.title}, {label}")
                elif drawn:
                    self.ledger.unread[f"{place}: {panel.title}, {label}"] += len(drawn)

    def _measure(self, panel: Panel) -> tuple:
        own = {"Held-out MLM loss, own inputs": ("mlm_loss", 1.0), "NSP, own inputs": ("nsp_accuracy", 100.0)}
        if panel.title in own or not panel.notes:
            return own.get(panel.title, (None, 1.0))
        task, metric = self.checks.columns.get(
            key(f"{panel.title} {re.sub(', (%|logarithmic)', '', panel.notes[0])}"), (None, None)
        )
        return (f"{task}.{metric}", unit(metric)) if task else (None, 1.0)

    def _lines(self, panel: Panel, arm: Arm, metric: str, factor: float, drawn: list, place: str) -> None:
        seeds = [points for curve in curves(self.path.parent, arm).values() if (points := curve.get(metric))]
        lines = [*seeds, _mean(seeds)] if seeds else []
        shapes = [[pair.split(",") for pair in line["points"].split()] for line in drawn]
        if [len(points) for points in lines] != [len(places) for places in shapes]:
            self.ledger.note(KIND, place, f"{len(drawn)} lines", f"{len(lines)} of other lengths", False)
            return
        for places, points in zip(shapes, lines, strict=True):
            for (x, y), (tokens, value) in zip(places, points, strict=True):
                self._at(f"{place}, tokens", panel.x, tokens / 1e6, x)
                self._at(f"{place}, value", panel.y, factor * value, y)


def _mean(seeds: list) -> list:
    """Mean of the straight lines between points, at every seed's points, where all seeds have a line."""
    first, last = max(points[0][0] for points in seeds), min(points[-1][0] for points in seeds)
    grid = sorted({tokens for points in seeds for tokens, _ in points if first <= tokens <= last})
    return list(
        zip(grid, np.mean([np.interp(grid, *zip(*points, strict=True)) for points in seeds], axis=0), strict=True)
    )


def curves(folder: Path, arm: Arm) -> dict:
    """Learning curve of each pre-training seed: {metric: [(tokens, value), ...]}."""
    found = {}
    for record in arm.records:
        file = folder / "curves" / f"{Path(record['encoder']['path']).name}.csv"
        if file.is_file() and record["pretraining_seed"] not in found:
            points = found[record["pretraining_seed"]] = {}
            for row in csv.DictReader(file.read_text().splitlines()):
                points.setdefault(row["metric"], []).append((int(row["tokens"]), float(row["value"])))
    return dict(sorted(found.items()))


def check_curves(checks: Checks) -> None:
    """As many points as were asked for and one at the end, which is what the records hold."""
    for arm in checks.folder.arms:
        read = curves(checks.folder.path, arm)
        for record in arm.records:
            points = read.get(record["pretraining_seed"], {})
            end = record["pretraining"]["tokens"] if points else 0
            asked = sum(tokens < end for tokens in record["config"]["pretraining"]["evaluate_at"]) + 1
            for metric, value in record["metrics"].items():
                curve, place = points.get(f"{record['task']}.{metric}"), f"curves of {record['id']} {metric}"
                if curve:
                    checks.ledger.number("ends of learning curves", place, repr(curve[-1][1]), value, significant=6)
                    checks.ledger.note("points of learning curves", place, str(len(curve)), asked, len(curve) == asked)
            if points:
                last = points["mlm_loss"][-1][0]
                checks.ledger.number("ends of learning curves", record["id"], str(last), end)
