"""Accepting: what of a draft may be shown."""
