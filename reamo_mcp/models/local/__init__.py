"""Models that run here through torch and transformers. Only this package and the training import them."""
