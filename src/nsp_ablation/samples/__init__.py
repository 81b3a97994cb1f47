"""What the model reads: formats, batches, inspection."""
