"""Models that install with the package and run on any CPU, without torch."""
