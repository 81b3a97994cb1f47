"""From samples to micro-batches: the size and plan of updates, masks, assembly. Entry: `loader.micro_batch_loader`."""
