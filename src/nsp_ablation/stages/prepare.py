"""`stage=prepare`: corpus -> tokenizer -> token stores (training, held-out documents) -> data card, each made once."""

from nsp_ablation.pipeline.cards import Card
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.stages.cell import CellRun


def run(cell: CellRun) -> None:
    """Build what is missing, or say how far its tasks are where `preparation.show_tasks` asks for that alone.

    Raises InputError for a corpus that the format cannot use, or the card's checks refuse.
    """
    feed = feed_of(cell.config)
    if cell.config.preparation.show_tasks:
        for line in feed.stores.task_lines():
            say("prepare", line)
        return
    feed.stores.make()
    Card(cell.config, feed, []).check(None)
