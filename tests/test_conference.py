"""Several target languages from one recognition: each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst import config, options
from simulst.accept import rules
from simulst.booth import Booth
from simulst.conference import Conference, ConferenceState, build
from simulst.ear import Ear
from simulst.errors import ConfigError, ModelError
from simulst.pipeline import Interpreter
from simulst.protocols import Translator
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.storage import save_translator
from simulst.types import (
    SAMPLE_RATE,
    Emission,
    Samples,
    SentenceEnd,
    Update,
    Verdict,
    Word,
)
from tests.fakes import SENTENCES, ScriptedTranscriber, translator

TALK_S = 10
CONFIG = config.load(
    None, ["audio.vad=false", "accept.proposal=model"]
)  # random weights are never sure


@pytest.fixture(autouse=True, scope="module")
def short_words() -> Iterator[None]:
    """Random weights seldom end a word by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulst.translate.rows.LONGEST_UNIT", 2)
        yield


def script() -> list[Word]:
    """Two sentences, a word every 0.4 s, a second between them."""
    words, at = [], 0.5
    for sentence in SENTENCES[:3:2]:
        for text in sentence.split():
            start = round(at * SAMPLE_RATE)
            words.append(Word(text, start, start + round(0.35 * SAMPLE_RATE), 0.9))
            at += 0.4
        at += 0.6
    return words


@cache
def translators() -> Mapping[str, Translator]:
    """Random weights into three languages, one of them written without spaces."""
    french = translator(7)
    return {
        "de": translator(),
        "fr": WaitkTranslator(french.model, french.vocabulary, "en", "fr"),
        "zh": translator(1, "character"),
    }


def conference(settings_: config.Config = CONFIG) -> Conference:
    """The real engine over a scripted recogniser."""
    booths = {
        target: Booth(settings_, each, rules.build(settings_.accept))
        for target, each in translators().items()
    }
    return Conference(Ear(ScriptedTranscriber(script()), settings_), booths)


def alone(target: str) -> Interpreter:
    """The engine for one of the languages."""
    heard = ScriptedTranscriber(script())
    return Interpreter(CONFIG, heard, translators()[target], rules.build(CONFIG.accept))


def noise(seconds: float = TALK_S) -> Samples:
    """Something that is not silent."""
    dice = np.random.default_rng(0)
    return dice.normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)


def feed(
    using: Conference,
    packets: Sequence[Samples],
    state: ConferenceState | None = None,
) -> dict[str, list[Update]]:
    """Run a session to its end."""
    state = state or using.open()
    updates: dict[str, list[Update]] = {target: [] for target in state.booths}
    for packet in [*packets, None]:
        ((state, given_),) = using.step([state], [packet])
        assert given_.keys() == updates.keys()
        for target, update in given_.items():
            updates[target].append(update)
    assert state.ended
    return updates


def shown(
    updates: Sequence[Update],
) -> tuple[list[Word | SentenceEnd], list[Emission], list[Verdict]]:
    """All that was committed, emitted and judged, in order."""
    return (
        [item for u in updates for item in u.committed],
        [item for u in updates for item in u.emissions],
        [item for u in updates for item in u.verdicts],
    )


@cache
def expected(target: str) -> tuple[list[Word | SentenceEnd], list[Emission], list[Verdict]]:
    """What the language gives alone, fed whole."""
    using, updates = alone(target), []
    state = using.open()
    for packet in (noise(), None):
        ((state, update),) = using.step([state], [packet])
        updates.append(update)
    return shown(updates)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(0, 5 * SAMPLE_RATE), max_size=5))
def test_each_language_is_as_it_would_be_alone(cuts: list[int]) -> None:
    """Words, delays and verdicts of a language are those of a run with it alone, at any packets."""
    packets = np.split(noise(), sorted(cuts))
    for target, updates in feed(conference(), packets).items():
        same = shown(updates) == expected(target)
        assert same, target  # the difference itself would fill pages


def test_update_for_update_as_alone() -> None:
    """Fed alike, each update equals that of the session with one language, tentative text too."""
    packets = np.array_split(noise(), 24)
    together = feed(conference(), packets)
    for target in ("de", "zh"):
        using = alone(target)
        state = using.open()
        for packet, update in zip([*packets, None], together[target], strict=True):
            ((state, single),) = using.step([state], [packet])
            assert single == update


def test_the_source_is_recognised_once() -> None:
    """Three languages cost no more calls of the recogniser than one."""
    several, one = conference(), alone("de")
    feed(several, [noise()])
    state = one.open()
    for packet in (noise(), None):
        ((state, _),) = one.step([state], [packet])
    calls = [each.ear.listener.transcriber for each in (several, one)]
    assert all(isinstance(each, ScriptedTranscriber) for each in calls)
    counts = [each.calls for each in calls if isinstance(each, ScriptedTranscriber)]
    assert counts[0] == counts[1] > 0


def test_sessions_with_different_languages_side_by_side() -> None:
    """Sessions that want other languages and end at other times do not disturb each other."""
    using = conference()
    wanted = [("de", "zh"), ("fr",), ("de", "fr", "zh"), ()]
    states = [using.open(targets) for targets in wanted]
    updates: list[dict[str, list[Update]]] = [{t: [] for t in targets} for targets in wanted]
    pieces = [[*np.array_split(noise(), 2 + 3 * row), None] for row in range(len(wanted))]
    while rows := [row for row, left in enumerate(pieces) if left]:
        stepped = using.step([states[r] for r in rows], [pieces[r].pop(0) for r in rows])
        for row, (state, given_) in zip(rows, stepped, strict=True):
            states[row] = state
            assert given_.keys() == set(wanted[row])
            for target, update in given_.items():
                updates[row][target].append(update)
    for mine in updates:
        for target, found in mine.items():
            # a batch may change the last digits of a probability, never a decision
            assert shown(found)[:2] == expected(target)[:2]
    assert all(state.ended for state in states)


def test_emissions_of_a_script_without_spaces_have_none_between() -> None:
    """Each language keeps its own space, also at the beginning of a sentence."""
    updates = feed(conference(), [noise()])
    spaces = {
        target: {e.space for u in found for e in u.emissions if e.index}
        for target, found in updates.items()
    }
    assert spaces == {"de": {" "}, "fr": {" "}, "zh": {""}}


def test_joining_takes_up_the_open_sentence() -> None:
    """A language taken up in the middle has the open sentence from its beginning, and goes on."""
    using = conference()
    ((state, _),) = using.step([using.open(["de"])], [noise()[: 7 * SAMPLE_RATE]])
    said = [word.text for word in state.sentence]
    assert 0 < len(said) < len(SENTENCES[2].split())
    joined, first = using.join(state, "fr")
    assert [item.text for item in first.committed if isinstance(item, Word)] == said
    assert {e.delay for e in first.emissions} == {first.heard} == {7 * SAMPLE_RATE}
    later = feed(using, [noise()[7 * SAMPLE_RATE :]], joined)
    units = [e for update in (first, *later["fr"]) for e in update.emissions]
    assert [(e.index, e.sentence) for e in units] == [(i, 0) for i in range(len(units))]
    # the policy goes by words and not by time: it writes what it would have written anyway
    whole = [e for e in expected("fr")[1] if e.sentence == 1]
    assert [(e.text, e.read) for e in units] == [(e.text, e.read) for e in whole]


def test_leaving_gives_up_one_language_only() -> None:
    """What is given up is written no more, and the others go on as before."""
    using = conference()
    ((state, _),) = using.step([using.open()], [noise(7)])
    ((_, all_three),) = using.step([state], [None])
    ((_, two),) = using.step([using.leave(state, "fr")], [None])
    assert two == {target: all_three[target] for target in ("de", "zh")}


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tiny packs into German, French and Chinese, found by name, and a silent recogniser."""
    monkeypatch.setattr("simulst.packs.folders", lambda: [tmp_path])
    monkeypatch.setattr(
        "simulst.conference.open_transcriber", lambda asr, terms: ScriptedTranscriber(script())
    )
    for target, each in translators().items():
        assert isinstance(each, WaitkTranslator)
        save_translator(tmp_path / f"en-{target}", each.model, each.vocabulary, "en", target)
    return tmp_path


def test_packs_are_found_for_every_language(packs: Path) -> None:
    """Each booth has the pack of its pair, and its signature is that of a run alone."""
    using = build(CONFIG, ("de", "zh"))
    assert using.targets == ("de", "zh")
    signature = using.booths["zh"].signature()
    assert (signature["target"], signature["translator"]) == ("zh", "en-zh")
    assert signature["config"]["translate"]["pack"] == ""
    assert using.booths["zh"].space == ""


def test_packs_named_one_for_each(packs: Path) -> None:
    """Packs in the order of the languages, each in its own settings; another number is refused."""
    named = config.load(None, ["translate.pack=en-zh, en-de"])
    booths = build(named, ("zh", "de")).booths
    assert [each.config.translate.pack for each in booths.values()] == ["en-zh", "en-de"]
    with pytest.raises(ConfigError, match=r"names 2 for 3 languages \(zh, de, fr\)"):
        build(named, ("zh", "de", "fr"))
    with pytest.raises(ModelError, match="en-zh translates en to zh, not en to de"):
        build(named, ("de", "zh"))
    with pytest.raises(ModelError, match="en-zh translates en to zh, not en to de"):
        build(config.load(None, ["translate.pack=en-zh"]), ("zh", "de"))


def test_a_language_without_translator_is_refused(packs: Path) -> None:
    """The message names the pair that is missing and those that are there."""
    with pytest.raises(ModelError, match=r"no pack translates en to it; .*en-de, en-fr, en-zh"):
        build(CONFIG, ("de", "it"))


def test_each_language_has_its_column_of_the_glossary(packs: Path) -> None:
    """Booths take their own targets; a file that does not name its languages is refused."""
    path = packs / "terms.tsv"
    path.write_text("en\tde\tfr\nhouse\tHaus\tmaison\nroad\tGasse\t\n")
    using = build(config.load(None, [f"glossary={path}"]), ("de", "fr"))
    told = {target: booth.signature()["glossary"] for target, booth in using.booths.items()}
    assert told["de"].startswith("terms.tsv (2 terms, ")
    assert told["fr"].startswith("terms.tsv (1 terms, ")
    path.write_text("house\tHaus\n")
    with pytest.raises(ConfigError, match="does not say which of de, fr"):
        build(config.load(None, [f"glossary={path}"]), ("de", "fr"))


@pytest.mark.parametrize("text", ["de,de", "de,", ",", "", "de, de"])
def test_languages_are_named_once(text: str) -> None:
    """A language that is empty or named twice is refused."""
    with pytest.raises(ConfigError, match="name each language once"):
        options.targets(text)


def test_languages_are_separated_by_commas() -> None:
    """White space round a comma makes no difference, and the order stays."""
    assert options.targets("fr, de") == ("fr", "de")
