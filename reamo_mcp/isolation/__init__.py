"""Child processes: spawn, limits, cancellation, restart, shared memory. Knows nothing of what runs in them."""
