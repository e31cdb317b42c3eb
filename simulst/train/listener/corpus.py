"""The shards of a folder: speech to learn from, sounds that say nothing, and word ends.

Synthesis may add shards while training reads. Word ends are found by the model that is being
trained (`alignment`) and lie beside their shard, so that processes which draw windows see them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulst.errors import DataError
from simulst.train.listener.features import MELS, Shard

__all__ = ["KINDS", "Corpus", "WordEnds"]

KINDS: dict[str, float] = {"speech": 0.5, "ljspeech": 0.25, "speechocean762": 0.25}
"""Shards by the start of their names, and how often a window comes from each kind."""
SOUNDS = "sounds"
"""Shards without speech begin so."""
DEV = "dev"
"""Shards to watch the training by begin so; nothing is learned from them."""
WordEnds = npt.NDArray[np.int64] | None
"""The frame (100 a second) at which each word of a sentence ends, where it is known."""


@dataclass(slots=True)
class Corpus:
    """What there is to learn from.

    Attributes:
        folder: of the shards.
        shards: with speech, by name.
        sounds: without speech, by name.
        aligned: names of the shards whose word ends are known.
    """

    folder: Path
    shards: dict[str, Shard] = field(default_factory=dict)
    sounds: dict[str, Shard] = field(default_factory=dict)
    aligned: set[str] = field(default_factory=set)
    _labelled: set[str] = field(default_factory=set)
    _ends: dict[str, list[WordEnds]] = field(default_factory=dict)

    def refresh(self, names: Collection[str] | None = None) -> None:
        """Reads shards that are new in the folder.

        Args:
            names: leave out the shards of speech that are not among these.

        Raises:
            DataError: there is no shard with speech.
        """
        for path in sorted(self.folder.glob("*.npy")):
            kind = path.stem.split("-")[0]
            known = self.sounds if kind == SOUNDS else self.shards
            wanted = kind != DEV and (kind == SOUNDS or names is None or path.stem in names)
            if wanted and path.stem not in known:
                shard = known[path.stem] = Shard.read(path)
                if shard.labelled:
                    self._labelled.add(path.stem)
        if not self.shards:
            raise DataError(f"no shards (*.npy) in {self.folder}; the corpus was not made yet")

    def hours(self) -> dict[str, float]:
        """Hours of speech by kind; of recordings only the first copy counts."""
        hours = dict.fromkeys(KINDS, 0.0)
        for name, shard in self.shards.items():
            kind, _, number = name.partition("-")
            if kind == "speech" or number.startswith("00"):
                hours[kind] = hours.get(kind, 0.0) + shard.seconds / 3600
        return hours

    def draw_shard(
        self,
        rng: np.random.Generator,
        *,
        names: Collection[str] | None = None,
        labelled: bool = False,
    ) -> str:
        """The name of a shard: a kind by its weight, then any of the kind.

        Args:
            rng: of the round.
            names: of the shards to choose from, by default all.
            labelled: take only shards with known phones, if there are any.
        """
        among = sorted(self.shards if names is None else names)
        if labelled:
            among = [name for name in among if name in self._labelled] or among
        kinds = {kind: [name for name in among if name.startswith(f"{kind}-")] for kind in KINDS}
        present = [kind for kind in KINDS if kinds[kind]]
        weights = np.array([KINDS[kind] for kind in present])
        among = kinds[present[int(rng.choice(len(present), p=weights / weights.sum()))]]
        return among[int(rng.integers(len(among)))]

    def draw_sound(self, rng: np.random.Generator, frames: int) -> npt.NDArray[np.float32] | None:
        """A stretch of some sound without speech, (frames, 80) features; None where there is none.

        It is repeated where it is too short.
        """
        if not self.sounds:
            return None
        shard = self.sounds[sorted(self.sounds)[int(rng.integers(len(self.sounds)))]]
        row = int(rng.integers(len(shard.texts)))
        sound = shard.features[shard.offsets[row] : shard.offsets[row + 1]]
        first = int(rng.integers(len(sound)))
        stretch = np.resize(np.roll(sound, -first, axis=0), (frames, MELS))
        return stretch.astype(np.float32)

    def word_ends(self, name: str, sentence: int) -> WordEnds:
        """Where the words of a sentence of an aligned shard end; None where that is not known."""
        if name not in self._ends:
            self._ends[name] = self._read_ends(name)
        return self._ends[name][sentence]

    def note_word_ends(self, name: str, ends: list[WordEnds]) -> None:
        """Keeps the word ends of all sentences of a shard."""
        counts = [-1 if row is None else len(row) for row in ends]
        flat = np.concatenate([np.zeros(0, np.int64), *(row for row in ends if row is not None)])
        partial = self._ends_file(name).with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, counts=np.array(counts, np.int64), ends=flat)
        partial.rename(self._ends_file(name))
        self._ends[name] = ends
        self.aligned.add(name)

    def _ends_file(self, name: str) -> Path:
        return self.folder / f"{name}.ends.npz"

    def _read_ends(self, name: str) -> list[WordEnds]:
        with np.load(self._ends_file(name)) as kept:
            counts, flat = kept["counts"], kept["ends"]
        places = np.cumsum(np.maximum(counts, 0))
        return [
            None if count < 0 else flat[place - count : place]
            for count, place in zip(counts, places, strict=True)
        ]
