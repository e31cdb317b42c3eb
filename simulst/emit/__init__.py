"""Showing: append-only captions in files and on a terminal."""
