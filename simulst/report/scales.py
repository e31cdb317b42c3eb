"""Round numbers along an axis."""

from __future__ import annotations

import math

__all__ = ["ticks"]


def ticks(top: float, count: int = 5, low: float = 0.0) -> list[float]:
    """Round numbers from `low`, or a little below, to `top` or a little above.

    Args:
        top: greater than `low`.
        count: about how many steps.
        low: where the axis begins.
    """
    assert top > low and count >= 1
    rough = (top - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(top / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]
