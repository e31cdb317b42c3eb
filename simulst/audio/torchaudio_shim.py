"""Resampling's way to torchaudio; see `simulst.torchaudio_shim`."""

from simulst.torchaudio_shim import load_torchaudio

__all__ = ["load_torchaudio"]
