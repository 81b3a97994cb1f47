"""`stage=pretrain`: the encoder of a configuration and seed, as a Hugging Face directory, and its learning curve."""

from nsp_ablation.pipeline.cards import check_before_training
from nsp_ablation.pipeline.curves import copy_curves, missing_curves
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.finished_runs import show_encoder
from nsp_ablation.stages.cell import CellRun, results_folder
from nsp_ablation.stages.needed_device import check_device_of


def run(cell: CellRun) -> None:
    """Pre-train it unless it is there. Raises InputError as `TrainedEncoder.make` does, or as the card's checks do."""
    encoder, results = trained_encoder(cell.config), results_folder(cell.config)
    curves = missing_curves([encoder], results)
    if not encoder.is_made or not all(curve.is_made for curve in curves):
        check_device_of(cell.config)
        check_before_training([encoder], [task for curve in curves for task in curve.tasks()], None)
    encoder.make()
    copy_curves([encoder], results)
    show_encoder(encoder)
