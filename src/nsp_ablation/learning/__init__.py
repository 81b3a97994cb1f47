"""Training and measuring encoders: engine, pretraining, tasks, finetuning, probes, cost."""
