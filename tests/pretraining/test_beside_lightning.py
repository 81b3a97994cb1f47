"""One update in several micro-batches: Lightning's accumulation beside ours."""

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.pretraining.objective import update_share


class MeanLoss(pl.LightningModule):
    """A weight of 0 whose loss is the mean of weight times value over a micro-batch, as most scripts have it."""

    def __init__(self, micro_batches):
        super().__init__()
        self.weight, self.micro_batches = nn.Parameter(torch.zeros(())), micro_batches

    def train_dataloader(self):
        return DataLoader(self.micro_batches, batch_size=None)

    def training_step(self, batch, batch_index):
        return (self.weight * batch).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def test_lightning_takes_the_mean_of_micro_batch_means_not_of_the_update(tmp_path):
    micro_batches = [torch.tensor([3.0]), torch.tensor([0.0, 0.0, 1.0])]
    module = MeanLoss(micro_batches)
    with quiet_lightning(), torch.random.fork_rng(devices=[]):
        pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_steps=1,
            accumulate_grad_batches=2,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        ).fit(module)
    assert -module.weight.item() == torch.tensor((3 / 1 + 1 / 3) / 2).item()  # not 4 / 4


def gradients(model, losses):
    model.zero_grad()
    for loss in losses:
        loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def test_a_mean_of_means_moves_with_the_cut_ours_does_not(make_model, make_batch, cut):
    model, update = make_model().double(), make_batch([4, 20, 6, 3, 11])
    whole = gradients(model, [update_share(model.loss_sums(update), update).total])
    for borders in ([0, 1, 5], [0, 2, 3, 5]):
        parts = cut(update, borders)
        means = []
        for part in parts:
            masked_logits, pair_logits = model(part)
            mlm, nsp = (
                F.cross_entropy(masked_logits, part.masked_labels),
                F.cross_entropy(pair_logits, part.pair_labels),
            )
            means.append((mlm + nsp) / len(parts))
        theirs = gradients(model, means)
        ours = gradients(model, [update_share(model.loss_sums(part), part).total for part in parts])
        assert (theirs - whole).norm() > 0.05 * whole.norm()
        assert (ours - whole).norm() < 1e-12 * whole.norm()
