"""Reading what clients write: JSON objects, sample rates and languages, in whatever type they come.

Values of a client are shown in an error as Python would write them, so that no character of
theirs can break the frame that carries it.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from simulst.audio.resampling import HIGHEST_RATE, LOWEST_RATE, check_rate
from simulst.errors import AudioError, ProtocolError

__all__ = ["language", "read", "sample_rate", "shown"]

_SHOWN = 80  # characters of a client's value in an error
_LANGUAGE = 35  # characters of the longest tag, RFC 5646


def shown(value: object) -> str:
    """A client's value for an error, in ASCII and not too long."""
    if isinstance(value, str | bytes) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!a}..."
    if isinstance(value, dict | list):
        return f"{type(value).__name__} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read(frame: str) -> dict[str, Any]:
    """The JSON object in a text frame.

    Raises:
        ProtocolError: it is not JSON, or not an object.
    """
    try:
        value = json.loads(frame, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            f"a text message is {shown(frame)}: it must be a JSON object ({type(error).__name__})",
            "invalid_json",
            fatal=True,
        ) from error
    if not isinstance(value, dict):
        raise ProtocolError(
            f"a text message is {shown(frame)}: it must be a JSON object",
            "invalid_json",
            fatal=True,
        )
    return value


def sample_rate(value: object) -> int:
    """A sample rate that came as a number or as text.

    Raises:
        ProtocolError: it is no number, not whole, or no rate that speech is recorded at.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        rate = float(value)
        if not math.isfinite(rate) or rate != int(rate):
            raise ValueError
        check_rate(int(rate))
    except (ValueError, OverflowError, AudioError) as error:
        raise ProtocolError(
            f"sample_rate is {shown(value)}: it must be a whole number of Hz between "
            f"{LOWEST_RATE} and {HIGHEST_RATE}",
            "invalid_sample_rate",
            fatal=True,
        ) from error
    return int(rate)


def language(name: str, value: object) -> str:
    """A language code in lower case without its region; "" where the client leaves it open.

    Args:
        name: of the field, for the error.
        value: text, or None.

    Raises:
        ProtocolError: it is no language code.
    """
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or len(value) > _LANGUAGE:
        raise ProtocolError(
            f"{name} is {shown(value)}: it must be a language code such as 'de'",
            "invalid_language",
            fatal=True,
        )
    code = value.strip().replace("_", "-").partition("-")[0].lower()
    if not (code.isascii() and code.isalpha()):
        raise ProtocolError(
            f"{name} is {shown(value)}: it must be a language code such as 'de'",
            "invalid_language",
            fatal=True,
        )
    return code
