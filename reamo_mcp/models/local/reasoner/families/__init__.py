"""What differs between families of reasoners; one file for each."""
