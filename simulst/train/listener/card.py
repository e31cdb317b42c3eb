"""CARD.md of a listener pack: data with licences, the recipe, what was measured, what fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulst.train.listener.evaluation import Score

__all__ = ["card_text", "write_card"]

_DATA = """\
| data | use | licence |
|---|---|---|
| Tatoeba, English sentences | text, spoken by synthesis | CC-BY 2.0 FR, tatoeba.org |
| BContrasT / Taskmaster dialogues | text, spoken by synthesis | CC-BY-SA 4.0 |
| MLQE-PE, Wikipedia sentences | text, spoken by synthesis | CC0 |
| WMT newstest 2008-2019, English side | text, spoken by synthesis | WMT, for research |
| Multi30k captions | text, spoken by synthesis | research (Flickr30k captions) |
| LJSpeech, {ljspeech} | real speech | public domain |
| speechocean762, {speechocean762} | real speech | free, commercial use too |
"""

_TEACHER = """\
| encoder of Whisper tiny.en | teacher of features while training; no tensor of it is here | MIT |
"""

_USE = """\
## How to call it
No timestamps were trained: always force `<|notimestamps|>` (`without_timestamps=True` in
`transcribe`), keep `condition_on_previous_text=False` (no prompt was trained) and
`suppress_blank=False` (so that silence may stay empty). Word times come from
`WhisperModel.model.align`; the alignment heads are in `config.json`.

    tokens = [*tokenizer.sot_sequence, tokenizer.no_timestamps, *committed]
    encoded = whisper.encode(extractor(audio))         # unpadded, at most 30 s
    result = whisper.model.generate(
        encoded, [tokens], beam_size=4, length_penalty=0, suppress_blank=False
    )
"""


def card_text(
    scores: list[Score],
    state: dict[str, Any],
    parts: Sequence[tuple[str, dict[str, Any]]] = (),
    *,
    parameters: int,
    held_out_voice: str,
    notes: list[str],
) -> str:
    """The card.

    Args:
        scores: of `evaluation.evaluate_pack`.
        state: of `average.pt`: how the weights were made.
        parts: stages before and the same of them, where the weights started from theirs.
        parameters: of the model.
        held_out_voice: that spoke nothing of the training.
        notes: on word times, on time, on what came out where nothing was said.
    """
    table = "\n".join(
        f"| {score.name} | {score.way} | {score.words} | {score.rate:.2f} |" for score in scores
    )
    worst = "\n".join(
        f'- *{score.name}*: said "{score.example[0]}", heard "{score.example[1]}"'
        for score in scores
        if score.example and score.way == "live"
    )
    hours = state["hours_of_speech"]
    real = {kind: f"{hours.get(kind, 0.0):.1f} h" for kind in ("ljspeech", "speechocean762")}
    taught = state["sizes"]["taught"] > 0
    return f"""# listen-en

A small English speech recogniser in Whisper's format ({parameters / 1e6:.1f} M parameters, int8)
that writes case and punctuation. It runs in faster-whisper on windows of any length up to 30 s,
unpadded or padded.

**For** trying the engine without a download, on the voices it was trained on, and for measuring
latency. **Not for** real talks: read the table first, and use `small.en` or larger there. It has
never seen digits or symbols: numbers come out as words.

## Scores
Word error rate, lower case, no punctuation, int8; a beam of 4, padded greedy. Live: what a session
commits, half a second at a time.

| speech | way | words | WER |
|---|---|---|---|
{table}

{chr(10).join(f"- {line}" for line in notes)}

## Known failures
The worst of each set:

{worst}

Names and rare words are spelled by ear. It was trained on {hours.get("speech", 0.0):.1f} h of
synthetic speech and {sum(v for k, v in hours.items() if k != "speech"):.1f} h of real speech, the
latter in {state["copies"]} copies, each with other pitches, rooms and lines.

{_USE}
## Data
{_DATA.format(**real)}{_TEACHER if taught else ""}
One hundredth of the sentences is held out (by a checksum of their letters). The training voices
are {", ".join(state["voices"])}, each at many rates and pitches; **{held_out_voice} is held out**:
no sentence of the training was spoken by it, nor by its narrow-band twin. flite's voices are free
to use (BSD-like), and so is festival's ked; Pico's are under Apache-2.0, though their sources were
never published; espeak-ng's program is GPL, its output free.

## Recipe
{_runs([*parts, ("train", state)])}

    {state["command"]}

Licence of the weights: Apache-2.0; mind the terms of the data above.
"""


def _runs(stages: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """What each stage took; audio heard is with padding and repetitions."""
    rows = [
        f"| {name} | {state['step']:,} | {state['elapsed_s'] / 3600:.2f} h | "
        f"{state['hardware']} | {state['heard_s'] / 3600:.0f} h |"
        for name, state in stages
    ]
    head = "| stage | steps | time | on | audio heard |\n|---|---|---|---|---|"
    return "\n".join([head, *rows])


def write_card(folder: Path, text: str) -> Path:
    """Writes the card into the pack."""
    path = folder / "CARD.md"
    path.write_text(text, encoding="utf-8")
    return path
