"""The recipe of the embedded text extractor. Needs the extra ``train``."""
