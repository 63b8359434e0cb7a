"""A reasoner on this machine: a multimodal language model bound to the grammar of the meta-response."""
