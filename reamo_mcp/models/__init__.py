"""The roles of models, and the engines that fill them."""
