"""A device from its opening until it is closed or goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from simulst.audio.devices import Device, inputs_in_words
from simulst.audio.mixing import Block, Samples, mono
from simulst.audio.resampling import HIGHEST_RATE, LOWEST_RATE, Resampler
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE

__all__ = ["BLOCK_S", "Capture"]

BLOCK_S = 0.05  # of audio in one block of the device
RATES = (48_000, 44_100, 96_000, 32_000, 22_050, 8_000)  # Hz; for one that refuses its own
FIRST_S = 10.0  # without a block since it was opened: it does not work
STALLED_S = 5.0  # ... since the last one: it has gone, though nobody said so


class Capture:
    """A stream of blocks, and what puts them at 16 kHz.

    16 kHz is asked for first, so that a sound server converts once and not twice; then the
    device's own rate, then the usual ones.

    Args:
        sd: what `sound_system` gave.
        device: to open.
        take: called with this capture, each block and PortAudio's flags, in PortAudio's thread;
            it must not wait, and must copy what it keeps.
        now_s: a clock that only goes forward.

    Attributes:
        rate: Hz that it captures at.

    Raises:
        AudioError: the device is busy, or refuses every rate.
    """

    def __init__(
        self,
        sd: Any,
        device: Device,
        take: Callable[[Capture, Block, Any], None],
        now_s: Callable[[], float],
    ) -> None:
        self.device = device
        self._sounddevice = sd
        self._take, self._now_s = take, now_s
        self._opened_s = now_s()
        self._last_s: float | None = None
        self.rate, self._stream = self._open()
        self._resampler = Resampler(self.rate)
        self._state = self._resampler.open()

    def _open(self) -> tuple[int, Any]:
        """The first rate that works, and the stream."""
        sd = self._sounddevice
        failure: Exception | None = None
        for rate in self._rates():
            stream = None
            try:
                stream = sd.InputStream(
                    device=self.device.number,
                    channels=1,  # the first: a mean over idle channels would only be fainter
                    dtype="float32",
                    samplerate=rate,
                    blocksize=round(rate * BLOCK_S),
                    callback=self._called,
                )
                stream.start()
            except (ValueError, sd.PortAudioError) as error:
                failure = failure or error
                if stream is not None:
                    stream.close()
            else:
                return rate, stream
        name = repr(self.device.name)
        if failure is None:
            raise AudioError(
                f"microphone {name} refuses every rate ({SAMPLE_RATE}, {self.device.rate}, "
                f"{', '.join(map(str, RATES))} Hz): set another in the system's sound settings, "
                f"or choose another microphone: {inputs_in_words(sd)}"
            )
        raise AudioError(
            f"microphone {name} cannot be opened: {failure}; close what else uses it, or "
            f"choose another: {inputs_in_words(sd)}"
        ) from failure

    def _rates(self) -> Iterator[int]:
        """Those that the device does not refuse when asked.

        One that is busy refuses them all; its own is tried nevertheless, for the sake of the
        reason.
        """
        sd = self._sounddevice
        refused: list[Exception] = []
        for rate in _usable(dict.fromkeys((SAMPLE_RATE, self.device.rate, *RATES))):
            try:
                sd.check_input_settings(
                    device=self.device.number, channels=1, dtype="float32", samplerate=rate
                )
            except (ValueError, sd.PortAudioError) as error:
                refused.append(error)
            else:
                yield rate
        if refused and not all("sample rate" in str(error) for error in refused):
            yield from _usable([self.device.rate])

    def _called(self, block: Block, _frames: int, _time: object, status: Any) -> None:
        self._last_s = self._now_s()
        self._take(self, block, status)

    @property
    def begun(self) -> bool:
        """A block has come."""
        return self._last_s is not None

    @property
    def gone(self) -> bool:
        """The device has stopped by itself, or nothing has come for too long."""
        try:
            if not self._stream.active:
                return True
        except self._sounddevice.PortAudioError:  # somebody has started the sound system anew
            return True
        if self._last_s is None:
            return self._now_s() - self._opened_s > FIRST_S
        return self._now_s() - self._last_s > STALLED_S

    def resample(self, block: Block) -> Samples:
        """(m,) samples at 16 kHz that are settled by (n, 1) at the device's rate."""
        self._state, samples = self._resampler.step(self._state, mono(block))
        return samples

    def finish(self) -> Samples:
        """The last ones."""
        return self._resampler.finish(self._state)

    def close(self) -> None:
        """Stop listening."""
        self._stream.close()


def _usable(rates: Iterable[int]) -> Iterator[int]:
    return (rate for rate in rates if LOWEST_RATE <= rate <= HIGHEST_RATE)
