"""`stage=prepare`: corpus -> tokenizer -> token stores (training and held-out documents), each built once."""

from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.stages.cell import CellRun


def run(cell: CellRun) -> None:
    """Build what is missing. Raises InputError for a corpus that the format cannot use."""
    feed_of(cell.config).stores.make()
