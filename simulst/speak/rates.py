"""How fast to speak: as usual, or faster the further speech is behind the text."""

from __future__ import annotations

from simulst.config import Speak

__all__ = ["HURRY_S", "PLACES", "words_a_minute"]

PLACES = ("{rate}", "{speed}", "{length}")
"""Without one of them in its command a synthesiser cannot be told to hurry."""

HURRY_S = 4.0  # beyond the lag that is tolerated: speech is as fast as it may be


def words_a_minute(settings: Speak, behind_s: float) -> int:
    """The rate for a group that can begin so late.

    Args:
        settings: usual and greatest rate, and the lag that is tolerated.
        behind_s: from when the group was complete to when it can begin.
    """
    if settings.command and not any(place in settings.command for place in PLACES):
        return settings.rate
    share = min(1.0, max(0.0, behind_s - settings.behind_s) / HURRY_S)
    return round(settings.rate + share * (settings.rate_max - settings.rate))
