"""The proof made visible: quotes, picture crops, clips."""
