"""Translating: the wait-k Transformer, its incremental decoding and its READ/WRITE policy."""
