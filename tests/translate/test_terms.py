"""Terms of a glossary in translation: written as given, once, and tested like any other word."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst import config
from simulst.accept import rules
from simulst.errors import ModelError
from simulst.glossary import Term, Terms
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.dues import Due, Ledger, beginning, without
from simulst.translate.policy import Policy, SentenceState
from simulst.translate.terms import TermTranslator, with_terms
from simulst.types import Reason, Verdict
from tests.fakes import SENTENCES, ToyTranslator, expectant, translator

RULES = ("ratio", "learned", "wait-k", "la-2", "wait-if-worse", "entropy", "random")
LIMITS = config.Translate(max_ratio=1.0)
GLOSSARY = {
    "old house": "Altbau am Ring",
    "house": "Haus",
    "end of the road": "Straßenende",
    "road": "Gasse",
    "good friend": "Busenfreund",
    "money": "Knete",
    "eight": "acht Uhr",
    "meet again": "Wiedersehen",
}

SHORT = ("The old house stands at", "A good friend is worth")


@cache
def terms() -> Terms:
    """A glossary for the sentences of the fakes."""
    return Terms([Term(tuple(source.split()), target) for source, target in GLOSSARY.items()])


@cache
def eager() -> WaitkTranslator:
    """The random translator, which would not stop by itself, made to like the end."""
    plain = expectant()
    model = WaitkTranslator(plain.model, plain.vocabulary, "en", "de", plain.evidence)
    model.bias[2, plain.vocabulary.eos] = 12.0
    return model


@cache
def with_glossary() -> TermTranslator:
    """The same, told of the terms."""
    return TermTranslator(eager(), terms())


def policy(rule: str, model: Translator, **accept: object) -> Policy:
    """A policy over a translator."""
    settings_ = config.Accept(rule=rule, **accept)  # type: ignore[arg-type]
    return Policy(model, rules.build(settings_), settings_, LIMITS, 3)


def run(
    using: Policy, sentences: Sequence[str], fresh: bool = False
) -> tuple[list[SentenceState], list[Verdict]]:
    """Translate sentences side by side, word by word."""
    words = [sentence.split() for sentence in sentences]
    states = [using.open(i) for i in range(len(sentences))]
    verdicts: list[Verdict] = []
    for turn in range(max(map(len, words))):
        rows = [i for i in range(len(words)) if turn < len(words[i])]
        closed = [turn == len(words[i]) - 1 for i in rows]
        done = using.step([states[i] for i in rows], [words[i][turn] for i in rows], closed)
        for i, (state, written) in zip(rows, done, strict=True):
            assert state.units == states[i].units + written.units  # nothing is taken back
            states[i] = replace(state, caches=(None, None)) if fresh else state
            verdicts += written.verdicts
    return states, verdicts


def written_terms(state: SentenceState) -> dict[int, str]:
    """What was written for the term that begins at each source word, without marks."""
    found: dict[int, list[str]] = {}
    for unit, start in zip(state.units, state.prefix.terms, strict=True):
        if start >= 0:
            found.setdefault(start, []).append(unit)
    return {start: " ".join(units).strip(string.punctuation) for start, units in found.items()}


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(RULES),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from((*SHORT, SENTENCES[0])),
)
def test_every_term_is_written_once_as_given(
    rule: str, k_min: int, deterministic: bool, sentence: str
) -> None:
    """Whatever the rule, each occurrence has its target, in one piece, however it was drawn."""
    using = policy(rule, with_glossary(), k_min=k_min, k_max=5, deterministic=deterministic)
    ((state,), verdicts) = run(using, [sentence])
    assert written_terms(state) == {
        each.start: each.term.target for each in terms().find(state.source)
    }
    for unit, reason, start in zip(state.units, state.reasons, state.prefix.terms, strict=True):
        assert (reason is Reason.TERM) == (start >= 0), unit
    accepted = {v.position: v for v in verdicts if v.accepted}
    ends = [sum(state.prefix.lengths[:i]) for i in range(len(state.units) + 1)]
    for i, start in enumerate(state.prefix.terms):
        for position in range(ends[i], ends[i + 1]):
            assert (accepted[position].reason is Reason.TERM) == (start >= 0)


@pytest.mark.parametrize("rule", ["ratio", "wait-k", "la-2"])
def test_the_lag_is_kept(rule: str) -> None:
    """A term of several words is written a word at a time, none before its turn."""
    using = policy(rule, with_glossary(), k_min=2, k_max=4)
    for state in run(using, SENTENCES[::2])[0]:
        for t, delay in enumerate(state.delays):
            assert delay >= min(2 + t, len(state.source))


@pytest.mark.parametrize(
    ("rule", "deterministic"), [("ratio", True), ("learned", True), ("la-2", False)]
)
def test_batch_cache_and_repetition_change_nothing(rule: str, deterministic: bool) -> None:
    """Beside others, with a cache or without, and again, a sentence is the same."""
    using = policy(rule, with_glossary(), k_min=2, deterministic=deterministic)
    states, verdicts = run(using, SHORT)
    again, others = run(using, SHORT, fresh=True)
    for state, other in zip(states, again, strict=True):
        assert (state.units, state.delays, state.reasons) == (
            other.units,
            other.delays,
            other.reasons,
        )
    assert [(v.token, v.accepted) for v in verdicts] == [(v.token, v.accepted) for v in others]
    alone = run(using, SHORT[:1])[0][0]
    assert (alone.units, alone.delays) == (states[0].units, states[0].delays)


@pytest.mark.parametrize("rule", ["ratio", "wait-k"])
def test_without_a_term_nothing_changes(rule: str) -> None:
    """A sentence in which no term occurs is translated as if there were no glossary."""
    other = with_terms(eager(), Terms([Term(("Kyrgyzstan",), "Kirgisistan")]))
    plain, verdicts = run(policy(rule, eager()), SENTENCES[:3:2])
    told, others = run(policy(rule, other), SENTENCES[:3:2])
    assert [s.units for s in plain] == [s.units for s in told]
    assert [s.delays for s in plain] == [s.delays for s in told]
    assert verdicts == others


@pytest.mark.parametrize("sharpness", [1.0, 16.0])
def test_a_draft_is_scored_by_the_rule_that_it_was_made_by(sharpness: float) -> None:
    """With equal sight drafts and scores agree: terms are certain, the rest is as likely."""
    model = with_glossary()
    request = Request(tuple(SENTENCES[2].split()[:5]), False, Prefix())
    [(draft, kept)] = model.draft([request], [4], [None])
    [(score, _)] = model.score([replace(request, cache=kept)], [draft], sharpness)
    assert any(start >= 0 for start in draft.terms)
    at = 0
    for length, start in zip(draft.lengths, draft.terms, strict=True):
        for i in range(at, at + length):
            if start >= 0:
                assert draft.log_q[i] == score.log_p[i] == draft.entropy[i] == score.entropy[i] == 0
                assert score.best[i] == draft.tokens[i]
            elif sharpness == 1:
                assert score.log_p[i] == pytest.approx(draft.log_q[i], abs=1e-3)
        at += length


def test_a_term_out_of_place_has_no_chance() -> None:
    """Where the scorer would write another word, the term has probability nought."""
    model = with_glossary()
    request = Request(tuple(SENTENCES[2].split()[:5]), False, Prefix())
    [(draft, _)] = model.draft([request], [4], [None])
    first = draft.terms.index(next(start for start in draft.terms if start >= 0))
    begin = sum(draft.lengths[:first])
    moved = replace(
        draft,
        tokens=draft.tokens[begin:],
        lengths=draft.lengths[first:],
        units=draft.units[first:],
        log_q=draft.log_q[begin:],
        entropy=draft.entropy[begin:],
        terms=draft.terms[first:],
    )
    [(free, _)] = eager().draft([request], [1], [None])
    [(score, _)] = model.score([request], [moved])
    assert free.units == draft.units[:1] and first == 1
    assert score.log_p[0] == -math.inf
    assert score.expected is not None and score.expected[0] == 0


def test_a_term_that_is_half_heard_is_waited_for() -> None:
    """Its translation is not begun until it is known which term it is."""
    model = TermTranslator(translator(), Terms([Term(("The", "old", "house"), "Altbau")]))
    request = Request(("The", "old"), False, Prefix())
    [(draft, _)] = model.draft([request], [5], [None])
    assert draft.units == () and not draft.finished
    [(draft, _)] = model.draft([replace(request, source=("The", "old", "dog"))], [5], [None])
    assert len(draft.units) == 5 and set(draft.terms) == {-1}


def test_the_mark_of_the_word_goes_to_the_term() -> None:
    """What stood around the word that the translator would have written stands around the term."""
    choices = with_glossary()._choices(Due(0, 1, "Haus", ((("Haus"), (1,)),)), 0, "„Bau.“")
    assert [text for text, _ in choices] == ["„Haus.“"]
    due = Due(0, 1, "alter Bau", (("alter", (1,)), ("Bau", (2,))))
    first = [text for text, _ in with_glossary()._choices(due, 0, "(Haus")]
    last = [text for text, _ in with_glossary()._choices(due, 1, "")]
    assert first == ["(alter"]
    assert last[:3] == ["Bau", "Bau,", "Bau."]


def test_characters_are_units_where_the_script_has_no_spaces() -> None:
    """A term is written a unit at a time there as well."""
    model = TermTranslator(translator(unit="character"), Terms([Term(("house",), "房子")]))
    using = policy("wait-k", model, k_min=2)
    ((state,), _) = run(using, SENTENCES[:1])
    units = zip(state.units, state.prefix.terms, strict=True)
    assert "".join(unit for unit, start in units if start >= 0) == "房子"


def test_what_is_due_follows_from_source_and_prefix() -> None:
    """What was written, is withheld, or is part of a longer term is not due."""
    ledger = Ledger(terms(), with_glossary().translator.spell)
    words = tuple(SENTENCES[0].split())  # The old house stands at the end of the road.
    request = Request(words, True, Prefix())
    assert [due.target for due in ledger.due(request)] == ["Altbau am Ring", "Straßenende"]
    open_ = Request(words, False, Prefix(), withheld=1)
    assert [(due.start, due.target) for due in ledger.due(open_)] == [
        (1, "Altbau am Ring"),
        (6, ""),
    ]
    done = replace(request, prefix=Prefix((7, 8), (1, 1), (3, 3), (-1, 1)))
    assert [due.target for due in ledger.due(done)] == ["Straßenende"]
    rest = ledger.rest(done)
    assert rest is not None and (rest[0].target, rest[1]) == ("Altbau am Ring", 1)
    over = replace(request, prefix=Prefix((7, 8, 9), (1,) * 3, (3,) * 3, (1, 1, 1)))
    assert ledger.rest(over) is None


def test_a_source_without_a_term_keeps_the_sight_of_what_was_written() -> None:
    """What the writer had seen is counted without the words that are taken out."""
    prefix = Prefix((7, 8, 9), (1, 1, 1), (2, 4, 5))
    request = Request(("The", "old", "house", "stands"), True, prefix)
    fewer = without(request, Due(1, 3), None)
    assert fewer is not None
    assert fewer.source == ("The", "stands") and fewer.prefix.seen == (1, 2, 3)
    assert without(Request(("old", "house"), True, Prefix()), Due(0, 2), None) is None
    assert without(Request(("old", "house", "is"), False, Prefix(), 1), Due(0, 2), None) is None


def test_an_article_is_not_taken_for_its_noun() -> None:
    """A term begins at the word that loses most of two neighbours, and late at any that loses."""
    due = Due(4, 5, "Haus", (("Haus", (1,)),))
    assert beginning(["das", "Gebäude"], [due], [[4.0, 9.0]]) == (1, 0)
    assert beginning(["Gebäude", "das"], [due], [[9.0, 4.0]]) == (0, 0)
    assert beginning(["das", "ist"], [due], [[2.0, 0.1]]) is None
    assert beginning(["Haus.", "ist"], [due], [[2.0, 0.1]]) == (0, 0)
    assert beginning(["das", "ist"], [due], [[2.0, 0.1]], written=8) == (0, 0)
    two = [due, Due(6, 7, "Hof", (("Hof", (2,)),))]
    assert beginning(["Anwesen"], two, [[5.0], [6.0]]) == (0, 1)


def test_a_translator_that_cannot_spell_is_refused() -> None:
    """The message says that the glossary does not go with it."""
    with pytest.raises(ModelError, match="ToyTranslator cannot spell"):
        with_terms(ToyTranslator((0.5, 0.3, 0.2), (0.5, 0.3, 0.2)), terms())
