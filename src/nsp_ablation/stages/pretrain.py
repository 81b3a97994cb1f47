"""`stage=pretrain`: the encoder of a configuration and seed, as a Hugging Face directory."""

from nsp_ablation.pipeline.cards import check_before_training
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.stages.cell import CellRun
from nsp_ablation.stages.needed_device import check_device_of


def run(cell: CellRun) -> None:
    """Pre-train it unless it is there. Raises InputError as `TrainedEncoder.make` does, or as the card's checks do."""
    encoder = trained_encoder(cell.config)
    if not encoder.is_made:
        check_device_of(cell.config)
        check_before_training([encoder], [], None)
    encoder.make()
