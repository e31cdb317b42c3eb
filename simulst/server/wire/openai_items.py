"""Sentences as the items of a transcription, on the client's own clock.

The engine's clock runs ahead of the client's by the silence that follows each commit, and begins
again with each clear. What is told of an item never goes back in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from simulst.server.wire.openai_events import Outbox
from simulst.server.wire.sentences import Sentence, follow, ms
from simulst.types import Update

__all__ = ["SILENCE_MS", "Commit", "Item", "Track", "finish", "restart", "settle", "show"]

SILENCE_MS = 2_000  # after a commit; longer than the pauses at which speech and sentences end
_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_BUFFER = "input_audio_buffer"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit whose audio has not all been dealt with.

    Attributes:
        name: of its mark.
        epoch: clears that came before it.
        at_ms: on the engine's clock, where its silence begins.
    """

    name: str
    epoch: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Item:
    """The item that is open.

    Attributes:
        start_ms: on the client's clock.
        shown: units that went out as deltas.
    """

    start_ms: int
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """What a client has been told of its items.

    Attributes:
        tag: of its ids.
        sentence: the open one; it has words or units as long as an item is open.
        item: the open one.
        items: number of the latest.
        ended: items that ended since the first of `commits` came.
        commits: in order.
        epoch: clears carried out.
        shift_ms: from the engine's clock to the client's, but for the silences of `commits`.
        floor_ms: on the client's clock; no time to come is earlier.
    """

    tag: str
    sentence: Sentence = field(default_factory=Sentence)
    item: Item | None = None
    items: int = 0
    ended: int = 0
    commits: tuple[Commit, ...] = ()
    epoch: int = 0
    shift_ms: int = 0
    floor_ms: int = 0

    def client_ms(self, samples: int) -> int:
        """A time of the engine on the client's clock."""
        at = ms(samples)
        silence = sum(
            min(max(0, at - commit.at_ms), SILENCE_MS)
            for commit in self.commits
            if commit.epoch == self.epoch
        )
        return max(self.floor_ms, self.shift_ms + at - silence)

    def id(self, number: int) -> str:
        """Of an item."""
        return f"item_{self.tag}_{number}"


def show(track: Track, update: Update, out: Outbox) -> Track:
    """Go on with the items by what became final in a step."""
    closed, now = follow(track.sentence, update)
    for sentence in closed:
        track = _end(_grow(track, sentence, out), sentence, out)
    if now.words or now.units:
        track = _grow(track, now, out)
    return replace(track, sentence=now)


def finish(track: Track, out: Outbox) -> Track:
    """End the item that is open, as far as it is; the rest of its sentence is for the next."""
    if track.item is None:
        return track
    track = _end(track, track.sentence, out)
    rest = replace(track.sentence, after=track.sentence.end, words=(), units=())
    return replace(track, sentence=rest)


def settle(track: Track, name: str, out: Outbox) -> Track:
    """The audio of a commit has been dealt with: end its item, or make it an empty one."""
    if not track.commits or track.commits[0].name != name:
        return track  # a clear was faster
    commit = track.commits[0]
    track = _answer(track, out)
    if commit.epoch != track.epoch:
        return track
    floor = max(track.floor_ms, track.shift_ms + commit.at_ms)
    return replace(track, shift_ms=track.shift_ms - SILENCE_MS, floor_ms=floor)


def restart(track: Track, base_ms: int, out: Outbox) -> Track:
    """The engine begins again at a time on the client's clock; what was open ends as it is."""
    while track.commits and track.commits[0].epoch == track.epoch:
        track = _answer(track, out)
    track = finish(track, out)
    return replace(
        track,
        sentence=Sentence(),
        epoch=track.epoch + 1,
        shift_ms=base_ms,
        floor_ms=max(track.floor_ms, base_ms),
    )


def _answer(track: Track, out: Outbox) -> Track:
    """Answer the first commit, if no item has ended since it came."""
    if track.item:
        track = finish(track, out)
    elif not track.ended:
        track = replace(track, items=track.items + 1)
        track = _complete(track, "", 0, out)
    return replace(track, ended=0, commits=track.commits[1:])


def _grow(track: Track, sentence: Sentence, out: Outbox) -> Track:
    """Begin the item if it is new, and show what was written."""
    item = track.item
    if item is None:
        item = Item(track.client_ms(sentence.start))
        track = replace(track, items=track.items + 1)
        out.say(
            f"{_BUFFER}.speech_started",
            audio_start_ms=item.start_ms,
            item_id=track.id(track.items),
        )
    for place, unit in enumerate(sentence.units[item.shown :], item.shown):
        out.say(
            f"{_TRANSCRIPTION}.delta",
            item_id=track.id(track.items),
            content_index=0,
            delta=unit.space + unit.text if place else unit.text,
        )
    return replace(track, item=replace(item, shown=len(sentence.units)))


def _end(track: Track, sentence: Sentence, out: Outbox) -> Track:
    assert track.item is not None, "an item ends after it has begun"
    start_ms = track.item.start_ms
    end_ms = max(start_ms, track.client_ms(sentence.end))
    out.say(f"{_BUFFER}.speech_stopped", audio_end_ms=end_ms, item_id=track.id(track.items))
    track = replace(track, item=None, floor_ms=end_ms)
    return _complete(track, sentence.target, end_ms - start_ms, out)


def _complete(track: Track, transcript: str, duration_ms: int, out: Outbox) -> Track:
    out.say(
        f"{_BUFFER}.committed",
        item_id=track.id(track.items),
        previous_item_id=track.id(track.items - 1) if track.items > 1 else None,
    )
    out.say(
        f"{_TRANSCRIPTION}.completed",
        item_id=track.id(track.items),
        content_index=0,
        transcript=transcript,
        usage={"type": "duration", "seconds": duration_ms / 1000},
    )
    return replace(track, ended=track.ended + 1)
