"""Annotated texts, read from the folders of the data sets, for training and for scoring."""
