"""The synthetic speakers: flite's and espeak-ng's voices, and what can be varied in each."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from simulst.errors import ConfigError
from simulst.train.listener.waveforms import RATIOS

__all__ = ["HELD_OUT", "UNTRAINED", "VOICES", "Voice", "draw_voice"]

VOICES: dict[str, float] = {"slt": 0.24, "rms": 0.24, "awb": 0.16, "espeak": 0.36}
"""Training voices and the share of talks each speaks; `espeak` stands for all of its variants."""
HELD_OUT = "kal16"
"""Never trained on: another speaker than flite's others, and joined from recorded diphones where
they come from a statistical model. flite's `kal` is the same man, and is not used either."""
UNTRAINED = (HELD_OUT, "kal")
"""Voices to measure by."""

_ACCENTS = ["en-us"] * 6 + ["en-us-nyc", "en-gb", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan"]
_ACCENTS += ["en-gb-x-gbcwmd", "en-gb-scotland", "en-029"]
_VARIANTS = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "Denis", "Diogo"]
_VARIANTS += ["Gene", "Gene2", "Henrique", "Hugo", "Lee", "Marco", "Mario", "Michael", "Mike"]
_VARIANTS += ["Storm", "adam", "antonio", "benjamin", "boris", "caleb", "david", "ed", "edward"]
_VARIANTS += ["edward2", "grandpa", "gustave", "iven", "iven2", "iven3", "iven4", "john", "max"]
_VARIANTS += ["michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert"]
_VARIANTS += ["sandro", "travis", "victor", "zac", "klatt", "klatt2", "klatt3", "klatt4"]
_VARIANTS += ["f1", "f2", "f3", "f4", "f5"] * 3 + ["Alicia", "Andrea", "Annie", "Jacky", "anika"]
_VARIANTS += ["aunty", "belinda", "grandma", "linda", "shelby", "steph", "steph2", "steph3"]


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker.

    Attributes:
        name: the family, and espeak-ng's accent and variant.
        command: that speaks, without text and output file.
        ratio: how much faster its speech is played, one of `waveforms.RATIOS`.
    """

    name: str
    command: tuple[str, ...]
    ratio: float = 1.0

    @property
    def tells_phones(self) -> bool:
        """Whether the synthesiser says which phone is spoken when."""
        return self.command[0] == "flite"


def draw_voice(name: str, rng: Random, *, varied: bool = False) -> Voice:
    """A speaker of the family `name`.

    Args:
        name: of `VOICES` or `UNTRAINED`.
        rng: decides on variant, rate and pitch.
        varied: make it one of many speakers, of any size, with rates and pitches that are rare;
            otherwise it is the family's own voice, at a usual rate.

    Raises:
        ConfigError: no such voice.
    """
    if name not in (*VOICES, *UNTRAINED):
        raise ConfigError(f"no voice {name!r}; there are {', '.join((*VOICES, *UNTRAINED))}")
    ratio = rng.choice(RATIOS) if varied and rng.random() < 0.7 else 1.0
    if name == "espeak":
        variant = f"{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}"
        rate, pitch = ((110, 215), (10, 90)) if varied else ((125, 195), (25, 75))
        options = ["-s", str(rng.randint(*rate)), "-p", str(rng.randint(*pitch))]
        if varied and rng.random() < 0.3:
            options += ["-g", str(rng.randint(1, 4))]
        return Voice(f"espeak:{variant}", ("espeak-ng", "-v", variant, *options), ratio)
    stretch = rng.uniform(0.78, 1.3) if varied else rng.uniform(0.85, 1.2)
    options = ["--setf", f"duration_stretch={stretch:.2f}"]
    if varied:
        options += ["--setf", f"f0_shift={rng.uniform(0.75, 1.33):.2f}"]
    return Voice(name, ("flite", "-voice", name, *options), ratio)
