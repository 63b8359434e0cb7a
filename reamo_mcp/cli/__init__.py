"""The command line: one module per command; `app` lists them."""
