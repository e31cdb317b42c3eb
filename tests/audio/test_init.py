"""What the package offers, and what it costs to import it."""

from __future__ import annotations

import subprocess
import sys

from simulst import audio


def test_public_names() -> None:
    """Exactly these names are public, and all are there."""
    assert audio.__all__ == [
        "AudioBuffer",
        "FileSource",
        "GateState",
        "Microphone",
        "RawSource",
        "Resampler",
        "ResamplerState",
        "Sound",
        "Source",
        "VoiceGate",
        "load_torchaudio",
        "mono",
        "open_sound",
        "open_source",
    ]
    assert all(hasattr(audio, name) for name in audio.__all__)


def test_importing_loads_nothing_heavy() -> None:
    """Models, sound systems and video are loaded only by whoever uses them."""
    heavy = ("torch", "torchaudio", "sounddevice", "faster_whisper", "onnxruntime", "av")
    code = f"import sys, simulst.audio; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
