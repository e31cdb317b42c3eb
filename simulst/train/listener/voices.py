"""The synthetic speakers: those of four free synthesisers, and what can be varied in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from simulst.errors import ConfigError
from simulst.train.listener.waveforms import RATIOS

__all__ = ["HELD_OUT", "PACKAGES", "UNTRAINED", "USUAL", "VOICES", "Voice", "draw_voice"]

VOICES: dict[str, float] = {
    "slt": 0.18,
    "rms": 0.18,
    "awb": 0.12,
    "espeak": 0.27,
    "ked": 0.12,
    "pico": 0.13,
}
"""Training voices and the share of talks each speaks. `espeak` stands for all of its variants;
`ked` is festival's, joined from recorded diphones; `pico` stands for SVOX Pico's two women."""
USUAL = ("slt", "rms", "awb", "espeak", "ked")
"""Those whose packages are in Debian's main section; Pico's are in non-free."""
PACKAGES = {
    "flite": "flite",
    "espeak-ng": "espeak-ng",
    "festival": "festival festvox-kdlpc16k",
    "pico2wave": "libttspico-utils",
}
"""Debian packages by the program that they bring."""
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
        name: the family, and the variant where it has some.
        program: that speaks.
        command: makes its arguments from a text and the file to write.
        ratio: how much faster its speech is played, one of `waveforms.RATIOS`.
    """

    name: str
    program: str
    command: Callable[[str, str], list[str]]
    ratio: float = 1.0

    @property
    def tells_phones(self) -> bool:
        """Whether the program says which phone is spoken when, as "name:end_s" and spaces."""
        return self.program in ("flite", "festival")


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
        return _espeak(rng, varied, ratio)
    if name == "ked":
        return _ked(rng, varied, ratio)
    if name == "pico":
        return _pico(rng, varied, ratio)
    stretch = rng.uniform(0.78, 1.3) if varied else rng.uniform(0.85, 1.2)
    options = ["-voice", name, "--setf", f"duration_stretch={stretch:.2f}"]
    if varied:
        options += ["--setf", f"f0_shift={rng.uniform(0.75, 1.33):.2f}"]
    return Voice(
        name, "flite", lambda text, wav: [*options, "-psdur", "-t", text, "-o", wav], ratio
    )


def _espeak(rng: Random, varied: bool, ratio: float) -> Voice:
    variant = f"{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}"
    rate, pitch = ((110, 215), (10, 90)) if varied else ((125, 195), (25, 75))
    options = ["-v", variant, "-s", str(rng.randint(*rate)), "-p", str(rng.randint(*pitch))]
    if varied and rng.random() < 0.3:
        options += ["-g", str(rng.randint(1, 4))]
    return Voice(
        f"espeak:{variant}", "espeak-ng", lambda text, wav: [*options, "-w", wav, text], ratio
    )


def _ked(rng: Random, varied: bool, ratio: float) -> Voice:
    stretch = rng.uniform(0.8, 1.35) if varied else rng.uniform(0.9, 1.2)
    mean_hz = rng.randint(80, 150) if varied else 105
    tune = f"(target_f0_mean {mean_hz}) (target_f0_std {rng.randint(10, 30) if varied else 14})"
    start = (
        f"(begin (voice_ked_diphone) (Parameter.set 'Duration_Stretch {stretch:.2f}) "
        f"(set! int_lr_params '({tune} (model_f0_mean 170) (model_f0_std 34))))"
    )

    def command(text: str, wav: str) -> list[str]:
        quoted = text.replace("\\", " ").replace('"', '\\"')
        return [
            "-b",
            start,
            f'(begin (set! u (utt.synth (Utterance Text "{quoted}")))'
            f' (utt.save.wave u "{wav}") (mapcar (lambda (s) (format t "%s:%f "'
            ' (item.name s) (item.feat s "end"))) (utt.relation.items u (quote Segment))))',
        ]

    return Voice("ked", "festival", command, ratio)


def _pico(rng: Random, varied: bool, ratio: float) -> Voice:
    language = rng.choice(["en-US", "en-GB"])
    speed, pitch = (rng.randint(75, 130), rng.randint(65, 125)) if varied else (100, 100)

    def command(text: str, wav: str) -> list[str]:
        # it reads markup, but not as XML: what would be markup is left out
        plain = text.translate({ord(sign): " " for sign in '<>&"\\'})
        marked = f"<speed level='{speed}'><pitch level='{pitch}'>{plain}</pitch></speed>"
        return ["-l", language, "-w", wav, marked]

    return Voice(f"pico:{language}", "pico2wave", command, ratio)
