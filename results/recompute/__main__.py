"""Recomputes the numbers of a published study from its records and the scores of single examples, by its own formulas.

    python results/recompute results/loss_vs_format/micro [FOLDER ...]

Standard library, numpy and scipy alone; nothing of nsp_ablation is imported. A number agrees where what is printed is a
right rounding of it at the digits that are printed, a tie either way; percentiles of random draws agree within 8 % of
their interval, marks of figures within 0.2 pixels. Places that are not recomputed are named. Exit status 1 where one
differs.
"""

import sys
from pathlib import Path

from checks import Checks, read_csv
from figures import Figures, check_curves
from folder import Folder
from published import Ledger, latex, markdown, page
from sentences import Sentences

READERS = {"table.md": markdown, "report.html": page, "table.tex": latex, "appendix.tex": latex}


def recompute(path: Path) -> Ledger:
    ledger, report = Ledger(), path / "report"
    folder = Folder(path)
    checks = Checks(folder, ledger)
    checks.records()
    check_curves(checks)
    if not report.is_dir():
        return ledger
    checks.table_csv(read_csv(report / "table.csv"))
    checks.comparisons_csv(read_csv(report / "comparisons.csv"), (report / "table.md").read_text())
    if (report / "contrasts.csv").is_file():
        checks.contrasts_csv(read_csv(report / "contrasts.csv"))
    sentences = Sentences(checks)
    for name, reader in READERS.items():
        for block in reader((report / name).read_text()):
            if block.rows:
                checks.table(block, name)
            else:
                sentences.paragraph(block, name)
    Figures(checks, report).all()
    return ledger


def show(path: Path, ledger: Ledger) -> None:
    print(f"\n{path}\n{'recomputed':>12}{'differ':>8}  kind")
    for kind in sorted(ledger.same.keys() | ledger.differ.keys()):
        print(f"{ledger.same[kind] + ledger.differ[kind]:12,}{ledger.differ[kind]:8,}  {kind}")
    print(f"{ledger.same.total() + ledger.differ.total():12,}{ledger.differ.total():8,}  in all")
    for kind, place, text, value in ledger.differences:
        print(f"DIFFERS  {kind}; {place}: published {text!r}, recomputed {value!r}")
    print("Not recomputed:" if ledger.unread else "Nothing is left out.")
    for place, count in sorted(ledger.unread.items()):
        print(f"{count:12,}          {place}")


def main(arguments: list) -> int:
    if not arguments:
        print(__doc__)
        return 2
    wrong = 0
    for argument in arguments:
        path = Path(argument)
        if not (path / "records").is_dir():
            print(f"{argument}: no folder of results, it has no records/; name one like results/loss_vs_format/micro")
            return 2
        ledger = recompute(path)
        show(path, ledger)
        wrong += ledger.differ.total()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
