"""Pre-training: heads, objective, LightningModule, export. Entry: `pretraining_fit.py`."""
