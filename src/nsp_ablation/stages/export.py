"""`stage=export`: a copy of the cell's encoder directory with a model card, for use outside."""

from pathlib import Path

from nsp_ablation.base.artifact import copy_whole
from nsp_ablation.base.errors import InputError
from nsp_ablation.pipeline.cards import check_before_training
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.exported_card import exported_card
from nsp_ablation.stages.cell import CellRun
from nsp_ablation.stages.needed_device import check_device_of


def run(cell: CellRun) -> None:
    """Copy the cell's Hugging Face directory to `export.output`, pre-training it first if need be; add its model card.

    Raises InputError where `export.output` is not given or already exists.
    """
    config = cell.config
    if config.export.output is None:
        raise InputError("export.output=null: name the directory that receives the encoder")
    output = Path(config.export.output)
    if output.exists():
        raise InputError(f"export.output={output} already exists; name another directory or delete it")
    link = trained_encoder(config)
    if not link.is_made:
        check_device_of(config)
        check_before_training([link], [], None)
    encoder = link.make()
    copy_whole(encoder, output, {"README.md": exported_card(link, output.resolve().name, cell.overrides)})
    say("export", f"{encoder} -> {output}")
