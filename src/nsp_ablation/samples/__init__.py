<<<<<<< HEAD
"""What the model reads: formats make samples of a store, batches make updates of samples, inspection shows them."""
=======
"""What the model reads: formats, batches, inspection."""
>>>>>>> chain
