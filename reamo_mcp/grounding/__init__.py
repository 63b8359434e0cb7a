"""Where a candidate is: one module per kind of place."""
