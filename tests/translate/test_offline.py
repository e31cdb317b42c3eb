"""Models of whole sentences used live: cached as fresh, in a batch as alone, word by word."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import ctranslate2
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulst import config
from simulst.accept import rules
from simulst.draws import uniform
from simulst.glossary import Term, Terms
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.opening import locate, open_offline
from simulst.translate.policy import Policy, SentenceState
from simulst.translate.rows import LONGEST_UNIT
from simulst.translate.terms import with_terms
from simulst.types import Draft
from tests.fakes import SENTENCES
from tests.translate import tiny

WORDS = [word for sentence in SENTENCES[::2] for word in sentence.split()]
SOURCES = st.lists(st.sampled_from(WORDS), min_size=2, max_size=6)
TOKENIZER = ["tokenizer_config.json", "vocab.json", "source.spm", "target.spm"]


def convert(folder: Path, place: Path) -> Path:
    """The model of a folder in the form of CTranslate2."""
    converter = ctranslate2.converters.TransformersConverter(str(folder), copy_files=TOKENIZER)
    return Path(converter.convert(str(place)))


def converted(folder: Path) -> Path:
    """A Marian in the form of CTranslate2."""
    return convert(tiny.marian(folder.parent / "original"), folder)


KINDS: dict[str, Callable[[Path], Path]] = {
    "marian": tiny.marian,
    "m2m100": tiny.m2m100,
    "nllb": tiny.nllb,
    "t5": tiny.t5,
    "ct2": converted,
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.units.LONGEST_UNIT", 6)


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    """A translator of each kind, from English to German."""
    folder = KINDS[request.param](tmp_path_factory.mktemp("live") / request.param)
    return open_offline(locate(str(folder)), "en", "de")


def written(request: Request, draft: Draft, units: int | None = None) -> Prefix:
    """The prefix after the first units of a draft, or all of them."""
    kept = len(draft.units) if units is None else units
    tokens = sum(draft.lengths[:kept])
    prefix = request.prefix
    return Prefix(
        prefix.tokens + draft.tokens[:tokens],
        prefix.lengths + draft.lengths[:kept],
        prefix.seen + (len(request.source),) * kept,
    )


def bounded(prefix: Prefix) -> bool:
    """Whether there is room for more in a tiny model, whose words may be loops."""
    return len(prefix.tokens) < 40


def test_it_is_one(model: Translator) -> None:
    """It offers what the protocol names, in the languages that were asked for."""
    assert isinstance(model, Translator)
    assert (model.source_language, model.target_language, model.space) == ("en", "de", " ")
    assert model.draft([], [], []) == []
    assert model.score([], []) == []


SLOW = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW
@given(SOURCES, st.lists(st.integers(0, 1), min_size=2, max_size=5), st.integers(0, 1))
def test_cached_equals_fresh(
    model: Translator, words: list[str], plan: list[int], withheld: int
) -> None:
    """With a cache that p and q have handed on, log-probabilities equal those without, to 1e-4."""
    prefix, cache = Prefix(), None
    for i, kept in enumerate(plan):
        source = tuple(words[: i + 1 + withheld])
        if len(source) <= withheld or not bounded(prefix):
            continue
        request = Request(source, len(source) == len(words), prefix, withheld, cache)
        draw = [lambda t: uniform(len(words), t)]
        [(draft, cache)] = model.draft([request], [1], draw)
        bare = dataclasses.replace(request, cache=None)
        [(again, _)] = model.draft([bare], [1], draw)
        assert again.tokens == draft.tokens
        assert again.log_q == pytest.approx(draft.log_q, abs=1e-4)
        if not draft.tokens:
            break
        [(own, _)] = model.score([bare], [draft])
        assert own.log_p == pytest.approx(draft.log_q, abs=1e-4)
        assert own.entropy == pytest.approx(draft.entropy, abs=1e-3)
        seen = dataclasses.replace(request, withheld=0, cache=cache)
        [(score, cache)] = model.score([seen], [draft], 3.0)
        [(fresh, _)] = model.score([dataclasses.replace(seen, cache=None)], [draft], 3.0)
        assert score.log_p == pytest.approx(fresh.log_p, abs=3e-4)
        assert score.best == fresh.best
        prefix = written(request, draft, min(kept, len(draft.units)))


@SLOW
@given(st.lists(SOURCES, min_size=2, max_size=3), st.booleans())
def test_batch_equals_alone(model: Translator, sources: list[list[str]], closed: bool) -> None:
    """A row's draft and score do not depend on the rows beside it, whatever these have written."""
    requests = [Request(tuple(words), closed, Prefix()) for words in sources]
    first = model.draft(requests, [1] * len(requests), [None] * len(requests))
    pairs = list(zip(requests, first, strict=True))
    requests += [
        Request(r.source, closed, written(r, d), 0, cache) for r, (d, cache) in pairs if d.tokens
    ]
    limits = [1 + i % 2 for i in range(len(requests))]
    together = model.draft(requests, limits, [None] * len(requests))
    kept = [i for i, (draft, _) in enumerate(together) if draft.tokens]
    scores = model.score([requests[i] for i in kept], [together[i][0] for i in kept], 2.0)
    for place, i in list(enumerate(kept))[::2]:
        draft = together[i][0]
        [(alone, _)] = model.draft([requests[i]], [limits[i]], [None])
        assert alone.tokens == draft.tokens
        assert alone.log_q == pytest.approx(draft.log_q, abs=1e-4)
        [(score, _)] = model.score([requests[i]], [draft], 2.0)
        assert score.log_p == pytest.approx(scores[place][0].log_p, abs=2e-4)


@pytest.mark.parametrize("drawn", [False, True])
def test_a_word_at_a_time_is_the_whole_draft(model: Translator, drawn: bool) -> None:
    """Two words one after the other are those of a draft of two, with the same probabilities."""
    draw = [(lambda t: uniform("whole", t)) if drawn else None]
    for source in (tuple(WORDS[:3]), tuple(WORDS[5:9])):
        request = Request(source, False, Prefix())
        [(whole, _)] = model.draft([request], [2], draw, 0.8)
        [(first, cache)] = model.draft([request], [1], draw, 0.8)
        then = Request(source, False, written(request, first), 0, cache)
        [(second, _)] = model.draft([then], [1], draw, 0.8)
        assert whole.units == first.units + second.units
        assert whole.log_q == pytest.approx(first.log_q + second.log_q, abs=1e-4)


def test_open_sentences_never_end(model: Translator) -> None:
    """While the source is open a draft fills its limit with words that have text and no space."""
    request = Request(tuple(WORDS[:3]), False, Prefix())
    [(draft, _)] = model.draft([request], [2], [None])
    assert len(draft.units) == 2
    assert not draft.finished
    assert all(unit.strip() == unit != "" and " " not in unit for unit in draft.units)
    assert sum(draft.lengths) == len(draft.tokens) == len(draft.log_q) == len(draft.entropy)


def test_source_ahead_is_not_seen(model: Translator) -> None:
    """A draft with words withheld is the draft that was made before they were read."""
    words = tuple(WORDS[:7])
    [(early, _)] = model.draft([Request(words[:4], False, Prefix())], [2], [None])
    [(late, _)] = model.draft([Request(words, True, Prefix(), 3)], [2], [None])
    [(other, _)] = model.draft([Request(words, True, Prefix())], [2], [None])
    if not late.finished:
        assert late.tokens == early.tokens
    assert other.log_q != pytest.approx(early.log_q, abs=1e-3)


def test_a_foreign_cache_is_harmless(model: Translator) -> None:
    """A cache of another sentence, or of another translator, changes nothing."""
    ours = Request(tuple(WORDS[:4]), False, Prefix())
    [(_, foreign)] = model.draft([Request(tuple(WORDS[6:9]), False, Prefix())], [1], [None])
    [(clean, _)] = model.draft([ours], [2], [None])
    for cache in (foreign, object()):
        [(mixed, _)] = model.draft([dataclasses.replace(ours, cache=cache)], [2], [None])
        assert mixed == clean


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Marian."""
    return tiny.marian(tmp_path_factory.mktemp("marian") / "model")


def test_the_end_of_a_word_is_part_of_its_probability(marian: Path) -> None:
    """A word that ends and all ways to go on with it add up: nothing is lost at the boundary."""
    model = open_offline(locate(str(marian)), "en", "de")
    subwords = model._decoder.subwords  # type: ignore[attr-defined]
    request = Request(tuple(WORDS[:4]), False, Prefix())
    token = next(i for i, name in subwords.names.items() if name == "▁w")
    more = [i for i, begins in subwords.begins.items() if not (begins or i in subwords.silent)]
    drafts = [Draft((token,), (1,), ("w",), (0.0,), ())]
    # in a longer word neither of the first two tokens bears an end
    drafts += [Draft((token, i, i), (3,), ("w..",), (0.0,) * 3, ()) for i in more]
    scores = [score for score, _ in model.score([request] * len(drafts), drafts)]
    going_on = sum(math.exp(score.log_p[1]) for score in scores[1:])
    begun = math.exp(scores[1].log_p[0])
    assert 0.01 < going_on < 0.99
    assert math.exp(scores[0].log_p[0]) == pytest.approx(begun * (1 - going_on), rel=1e-3)


def test_greedy_is_what_the_model_generates(marian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a closed sentence, in pieces of one word, it writes what `generate` writes whole."""
    monkeypatch.setattr("simulst.translate.units.LONGEST_UNIT", LONGEST_UNIT)
    place = locate(str(marian))
    model = open_offline(place, "en", "de")
    network = model._decoder._network  # type: ignore[attr-defined]
    for source in (tuple(WORDS[:2]), tuple(WORDS[3:8])):
        ids = torch.tensor([network.subwords.source(source)])
        barred = [i for i in network.subwords.silent if i != network.subwords.eos]
        whole = network.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            num_beams=1,
            do_sample=False,
            forced_eos_token_id=None,
            suppress_tokens=sorted(barred),
            max_new_tokens=18,
        )[0, 1:].tolist()
        request, tokens = Request(source, True, Prefix()), list[int]()
        while bounded(request.prefix) and len(tokens) < len(whole):
            [(draft, cache)] = model.draft([request], [1], [None])
            tokens += draft.tokens
            if draft.finished:
                tokens.append(network.subwords.eos)
                break
            request = Request(source, True, written(request, draft), 0, cache)
        assert tokens[: len(whole)] == whole


@pytest.mark.parametrize("rule", ["ratio", "la-2", "wait-k"])
def test_the_policy_writes_whole_words_and_ends(marian: Path, rule: str) -> None:
    """Under the acceptance test a sentence is written append-only, and the same without caches."""
    model = open_offline(locate(str(marian)), "en", "de")
    accept = config.Accept(rule=rule, k_min=1, k_max=3, lookback=0 if rule == "wait-k" else 1)
    limits = config.Translate(max_ratio=0.5, max_extra=1)
    policy = Policy(model, rules.build(accept), accept, limits)
    texts = []
    for cached in (True, False):
        state = policy.open()
        words = SENTENCES[0].split()[:6]
        shown: tuple[str, ...] = ()
        for i, word in enumerate(words):
            [(state, given_now)] = policy.step([state], [word], [i == len(words) - 1])
            assert state.units == shown + given_now.units
            shown = state.units
            if not cached:
                state = dataclasses.replace(state, caches=(None, None))
        assert isinstance(state, SentenceState)
        assert 0 < len(state.units) <= 4
        assert " ".join(state.units) == model._decoder.subwords.text(  # type: ignore[attr-defined]
            state.prefix.tokens
        )
        texts.append(state.units)
    assert texts[0] == texts[1]


def test_converted_it_says_the_same(marian: Path, tmp_path: Path) -> None:
    """A Marian and its conversion to CTranslate2 draft and score alike: p may verify q's drafts."""
    ours = open_offline(locate(str(marian)), "en", "de")
    theirs = open_offline(locate(f"ct2:{convert(marian, tmp_path / 'ct2')}"), "en", "de")
    assert ours.vocabulary_id == theirs.vocabulary_id
    for count in (2, 5):
        request = Request(tuple(WORDS[:count]), False, Prefix())
        [(draft, _)] = ours.draft([request], [2], [None])
        [(same, _)] = theirs.draft([request], [2], [None])
        assert same.tokens == draft.tokens
        [(p, _)], [(q, _)] = (
            ours.score([request], [draft], 2.0),
            theirs.score([request], [draft], 2.0),
        )
        assert q.log_p == pytest.approx(p.log_p, abs=1e-3)


def test_a_target_longer_than_the_model_reads_stops(tmp_path: Path) -> None:
    """At the model's last position a draft ends with its last whole word."""
    model = open_offline(locate(str(tiny.bart(tmp_path / "bart"))), "en", "de")
    request = Request(tuple(WORDS[:5]), False, Prefix())
    [(draft, _)] = model.draft([request], [30], [None])
    assert 0 < len(draft.units) < 30
    assert sum(draft.lengths) == len(draft.tokens) == len(draft.log_q) == len(draft.entropy) < 96
    [(score, _)] = model.score([request], [draft])
    assert score.log_p == pytest.approx(draft.log_q, abs=1e-3)
    [(more, _)] = model.draft(
        [Request(request.source, False, written(request, draft))], [9], [None]
    )
    assert more.tokens == ()


def test_a_glossary_goes_with_any(model: Translator) -> None:
    """A term is written as given, and drafts with terms are scored as they were made."""
    told = with_terms(model, Terms([Term(("house",), "alte Haus")]))
    request = Request(("The", "house"), True, Prefix())
    [(draft, kept)] = told.draft([request], [6], [None])
    term = [unit for unit, start in zip(draft.units, draft.terms, strict=True) if start == 1]
    assert " ".join(term).rstrip(".,?!:;") == "alte Haus"
    [(score, _)] = told.score([dataclasses.replace(request, cache=kept)], [draft])
    at = 0
    for length, start in zip(draft.lengths, draft.terms, strict=True):
        for i in range(at, at + length):
            assert score.log_p[i] == pytest.approx(draft.log_q[i], abs=1e-3)
            assert start < 0 or score.log_p[i] == 0
        at += length
