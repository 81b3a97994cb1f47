"""What the data cards of a study say: one row per trained arm, and as sentences."""

import os

from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.records.data_card import CardEntry


def card_table(study: Study) -> FactsTable:
    """Return one row per trained arm that has a card (`Study.cards`); a doubtful value has its verdict behind it."""
    cards = {study.labels[arm]: card for arm, card in study.cards.items()}
    texts = {label: {line.title: _text(line) for line in card.lines} for label, card in cards.items()}
    titles = list(dict.fromkeys(title for lines in texts.values() for title in lines))
    rows = [[label, *(lines.get(title, "–") for title in titles)] for label, lines in texts.items()]
    return FactsTable(["", *titles], rows)


def lost_cards(study: Study) -> list[str]:
    """Return a line per card that a record names and that no folder of the study holds."""
    keys = sorted({record.card for record in study.records.values() if record.card})
    remedy = "run the command of its sweep again, which copies it from paths.artifacts"
    lost = [key for key in keys if not os.path.lexists(study.card_path(key))]
    return [f"the data card cards/{key}.json is missing; {remedy}" for key in lost]


def card_sentences(table: FactsTable) -> list[str]:
    """Return what all arms have in common as one sentence, then a sentence per arm with what is its own."""
    columns = list(zip(table.heads[1:], zip(*(row[1:] for row in table.rows), strict=True), strict=False))
    common = [f"{title} {texts[0]}" for title, texts in columns if len(set(texts)) == 1]
    sentences = [f"Data: {'; '.join(common)}."] if common else []
    for number, row in enumerate(table.rows):
        own = [f"{title} {texts[number]}" for title, texts in columns if len(set(texts)) > 1 and texts[number] != "–"]
        sentences += [f"{row[0]}: {'; '.join(own)}."] if own else []
    return sentences


def _text(line: CardEntry) -> str:
    return f"{line.text} ({line.verdict})" if line.verdict in ("warn", "refused") else line.text
