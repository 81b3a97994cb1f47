"""What the model reads: formats make samples of a store, batches make updates of samples, inspection shows them."""
