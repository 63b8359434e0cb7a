"""Untrusted bytes to pixels, samples and text: opening, sniffing, limits, and the decoder with its child process."""
