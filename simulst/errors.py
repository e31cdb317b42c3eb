"""The one tree of errors that simulst raises for what a user can mend.

    SimulstError
    ├── ConfigError      an option, a key or a combination of options
    ├── AudioError       a file, a stream or a device
    ├── ModelError       a pack, its files or a language pair
    ├── DataError        text or logs given for training or scoring
    ├── OutputError      captions that could not be written
    ├── SpeechError      a synthesiser or a loudspeaker that is missing or fails
    ├── ProtocolError    a client that does not speak its wire
    └── OverloadedError  more sessions than this machine can serve in time

Every message names the value that was wrong and the way out. Our own bugs stay plain
`AssertionError`s and are never caught.
"""

from __future__ import annotations

__all__ = [
    "AudioError",
    "ConfigError",
    "DataError",
    "ModelError",
    "OutputError",
    "OverloadedError",
    "ProtocolError",
    "SimulstError",
    "SpeechError",
]


class SimulstError(Exception):
    """Something that the user can put right; the command line prints it and exits with 2."""


class ConfigError(SimulstError):
    """An option out of range, an unknown key, or options that exclude each other."""


class AudioError(SimulstError):
    """Audio that cannot be read: a missing, empty or damaged file, or an absent device."""


class ModelError(SimulstError):
    """A pack that is unknown, damaged, or does not serve what was asked of it."""


class DataError(SimulstError):
    """A parallel text or a log that is not in the expected form."""


class OutputError(SimulstError):
    """Captions that could not be written; what had been written before is kept."""


class SpeechError(SimulstError):
    """A synthesiser or a loudspeaker that is missing or fails; text goes on without it.

    Args:
        message: says what is wrong and the way out.
        lasting: trying again would not help.
    """

    def __init__(self, message: str, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class ProtocolError(SimulstError):
    """A client that does not speak its wire: malformed, unknown, too large or out of order.

    Args:
        message: names what came and what belongs there.
        code: a short name for programs.
        fatal: the connection cannot go on; else the frame is left out and the session goes on.
    """

    def __init__(self, message: str, code: str = "invalid_request", fatal: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.fatal = fatal


class OverloadedError(SimulstError):
    """More than this machine can do in time.

    Args:
        message: says what is full.
        retry_s: after which a client may ask again.
    """

    def __init__(self, message: str, retry_s: int = 5) -> None:
        super().__init__(message)
        self.retry_s = retry_s
