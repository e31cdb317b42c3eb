"""Listening: incremental recognition that never takes a committed word back."""
