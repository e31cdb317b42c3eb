"""The session: any packet size, any company, the same emissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst import config, packs
from simulst.accept import rules
from simulst.errors import ModelError
from simulst.pipeline import Interpreter, SessionState, build
from simulst.types import SAMPLE_RATE, Samples, SentenceEnd, Update, Verdict, Word
from tests.fakes import SENTENCES, ScriptedTranscriber, expectant, translator

TALK_S = 14


def script(shift_s: float = 0.0, sentences: Sequence[str] = SENTENCES[::2]) -> list[Word]:
    """Three sentences, a word every 0.4 s, a second between sentences."""
    words, at = [], 0.5 + shift_s
    for sentence in sentences:
        for text in sentence.split():
            start = round(at * SAMPLE_RATE)
            words.append(Word(text, start, start + round(0.35 * SAMPLE_RATE), 0.9))
            at += 0.4
        at += 0.6
    return words


def noise(seconds: float = TALK_S, seed: int = 0) -> Samples:
    """Something that is not silent."""
    dice = np.random.default_rng(seed)
    return dice.normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)


def interpreter(words: Sequence[Word] | None = None, rule: str = "ratio") -> Interpreter:
    """The real session over a scripted recogniser and a random translator, without a gate."""
    settings_ = config.load(None, ["audio.vad=false", f"accept.rule={rule}"])
    heard = ScriptedTranscriber(script() if words is None else words)
    return Interpreter(settings_, heard, translator(), rules.build(settings_.accept))


def feed(using: Interpreter, packets: Sequence[Samples]) -> list[Update]:
    """Run a session to its end."""
    state, updates = using.open(), []
    for packet in [*packets, None]:
        [(state, update)] = using.step([state], [packet])
        updates.append(update)
    assert state.ended
    return updates


def shown(updates: Sequence[Update]) -> tuple[list[object], list[object], list[object]]:
    """Everything that was committed, emitted and judged, in order."""
    return (
        [item for u in updates for item in u.committed],
        [item for u in updates for item in u.emissions],
        [item for u in updates for item in u.verdicts],
    )


WHOLE = shown(feed(interpreter(), [noise()]))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 5 * SAMPLE_RATE), max_size=6), st.sampled_from([1, 37, 160, 3200]))
def test_any_packets_give_the_same(cuts: list[int], small: int) -> None:
    """Audio in packets of any size gives the words and emissions of audio given whole."""
    samples = noise()
    at = sorted({min(cut, len(samples)) for cut in cuts})
    packets = np.split(samples, at)
    last = packets.pop()
    packets += [last[i * small : (i + 1) * small] for i in range(5)] + [last[5 * small :]]
    same = shown(feed(interpreter(), packets)) == WHOLE
    assert same  # the difference itself would fill pages


def test_every_word_is_committed_once() -> None:
    """All words of the talk are committed in order, and each sentence is closed once."""
    committed, emissions, _ = WHOLE
    words = [item.text for item in committed if isinstance(item, Word)]
    assert words == " ".join(SENTENCES[::2]).split()
    assert sum(isinstance(item, SentenceEnd) for item in committed) == 3
    assert len({emission.sentence for emission in emissions}) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", ["ratio", "wait-k", "la-2"])
def test_emissions_are_append_only(rule: str) -> None:
    """Emissions are numbered without gaps, and neither delay, sentence nor read runs backwards."""
    updates = feed(interpreter(rule=rule), np.array_split(noise(), 40))
    emissions = [e for u in updates for e in u.emissions]
    assert [e.index for e in emissions] == list(range(len(emissions)))
    keys = [(e.sentence, e.read, e.delay) for e in emissions]
    assert keys == sorted(keys)
    assert all(e.spoken <= e.delay for e in emissions)
    assert [e.space for e in emissions] == ["", *[" "] * (len(emissions) - 1)]
    for update in updates:
        assert all(e.delay <= update.heard for e in update.emissions)


def test_bigger_steps_hear_the_same_with_less() -> None:
    """Steps heard as one commit the same words with fewer calls of the recogniser, no earlier."""
    small, large = interpreter(), interpreter()
    updates = {}
    for using, stride in ((small, 1), (large, 4)):
        [(state, update)] = using.step([using.open()], [noise()], [stride])
        updates[stride] = [update, using.step([state], [None])[0][1]]
    words = {
        stride: [item for u in given for item in u.committed if isinstance(item, Word)]
        for stride, given in updates.items()
    }
    assert words[1] == words[4]
    heard = [using.ear.listener.transcriber for using in (small, large)]
    assert all(isinstance(each, ScriptedTranscriber) for each in heard)
    calls = [each.calls for each in heard if isinstance(each, ScriptedTranscriber)]
    assert calls[1] <= calls[0] / 3
    ends = [max(e.delay for u in updates[stride] for e in u.emissions) for stride in (1, 4)]
    assert ends[0] <= ends[1]


def test_words_come_before_the_talk_ends() -> None:
    """A streaming session writes while the speaker is still talking."""
    updates = feed(interpreter(rule="wait-k"), np.array_split(noise(), 40))
    early = sum(len(u.emissions) for u in updates[:-1])
    assert early > 0.7 * sum(len(u.emissions) for u in updates)


def test_beside_other_sessions() -> None:
    """A session stepped beside others, started later or earlier, emits what it does alone."""
    using = interpreter()
    samples = [noise(TALK_S), noise(9.3, 1), noise(TALK_S, 2)]
    alone = [shown(feed(using, [one])) for one in samples]
    states: list[SessionState] = [using.open() for _ in samples]
    updates: list[list[Update]] = [[] for _ in samples]
    position = [0, 0, 0]
    dice = np.random.default_rng(5)
    while open_rows := [i for i, state in enumerate(states) if not state.ended]:
        rows = [i for i in open_rows if dice.random() < 0.7] or open_rows[:1]
        inputs: list[Samples | None] = []
        for i in rows:
            size = int(dice.integers(1, 3 * SAMPLE_RATE))
            packet = samples[i][position[i] : position[i] + size]
            position[i] += size
            inputs.append(packet if len(packet) else None)
        stepped = using.step([states[i] for i in rows], inputs)
        for i, (state, update) in zip(rows, stepped, strict=True):
            states[i] = state
            updates[i].append(update)
    for mine, (committed, emissions, verdicts) in zip(updates, alone, strict=True):
        assert shown(mine)[:2] == (committed, emissions)
        # a batch may change the last digits of a probability, never a decision
        for ours, theirs in zip(shown(mine)[2], verdicts, strict=True):
            assert isinstance(ours, Verdict)
            assert isinstance(theirs, Verdict)
            assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-3)
            blank: dict[str, Any] = {"p": None, "q": None, "ratio": None}
            assert replace(ours, **blank) == replace(theirs, **blank)


def numbers(verdict: Verdict) -> list[float]:
    """The probabilities of a verdict that has them."""
    return [x for x in (verdict.p, verdict.q, verdict.ratio) if x is not None]


def test_a_session_is_a_value() -> None:
    """Stepping a state twice gives the same twice: nothing hides in the interpreter."""
    using = interpreter()
    [(middle, _)] = using.step([using.open()], [noise(6)])
    first = using.step([middle], [None])[0][1]
    second = using.step([middle], [None])[0][1]
    assert first == second


def test_nothing_heard_nothing_said() -> None:
    """A stream without words, even without samples, ends without emissions."""
    for packets in ([], [noise(0.005)], [noise(3)]):
        updates = feed(interpreter(words=[]), packets)
        assert shown(updates) == ([], [], [])
        assert updates[-1].ended


def test_tentative_is_apart_from_emitted() -> None:
    """What is held back is shown as tentative and disappears once its sentence is closed."""
    updates = feed(interpreter(rule="la-2"), np.array_split(noise(), 60))
    assert any(u.tentative_target for u in updates)
    assert updates[-1].tentative_target == ""


def test_signature_names_the_rule_that_suits_the_pack() -> None:
    """What the settings leave open stands there as the pack has filled it in."""
    settings_, model = config.Config(), expectant()
    acceptor = rules.build(settings_.accept, model)
    using = Interpreter(settings_, ScriptedTranscriber([]), model, acceptor)
    signature = using.signature()
    told = signature["rule"], signature["m"], signature["lookback"]
    assert told == ("learned", rules.LEARNED_M, 0)
    assert signature["config"]["accept"]["rule"] == "auto"


def test_signature_names_an_acceptor_of_ones_own() -> None:
    """Whoever brings an acceptor that no setting names has it under its own name."""

    class Mine(rules.Schedule):
        name = "mine"

    using = Interpreter(config.Config(), ScriptedTranscriber([]), translator(), Mine())
    assert using.signature()["rule"] == "mine"


def test_signature_names_what_decides() -> None:
    """The signature holds language pair, rule, k, M and the seed."""
    signature = interpreter().signature()
    assert signature["source"] == "en"
    assert (signature["rule"], signature["k_min"], signature["m"], signature["seed"]) == (
        "ratio",
        2,
        1.0,
        0,
    )


def test_a_pack_of_another_pair_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack that serves another pair, or a pair that none serves, is refused by name."""
    folder = tmp_path / "fr-it"
    folder.mkdir()
    (folder / "weights").write_bytes(b"x")
    packs.write_manifest(folder, "translator", {"source": "fr", "target": "it"})
    with pytest.raises(ModelError, match="fr-it translates fr to it, not en to de"):
        build(config.load(None, [f"translate.pack={folder}"]), "de")
    with pytest.raises(ModelError, match="no pack translates en to xx"):
        build(config.load(None, []), "xx")
