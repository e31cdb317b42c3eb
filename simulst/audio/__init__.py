"""Taking in sound: files, streams and microphones, on one sample clock."""

from simulst.audio.buffer import AudioBuffer
from simulst.audio.decoding import Sound, open_sound
from simulst.audio.microphone import Microphone
from simulst.audio.mixing import mono
from simulst.audio.resampling import Resampler, ResamplerState
from simulst.audio.sources import FileSource, RawSource, Source, open_source
from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.audio.vad import GateState, VoiceGate

__all__ = [
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
