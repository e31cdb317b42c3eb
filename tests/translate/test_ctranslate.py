"""Models of CTranslate2 beside the models of transformers that they were converted from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
from numpy.typing import NDArray

from simulst import config
from simulst.draws import uniform
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Proposal, Seq2Seq, TrainableSeq2Seq
from simulst.translate.checkpoints import load_model, load_subwords
from simulst.translate.ctranslate import CTranslate2Seq2Seq, load_converted
from simulst.translate.huggingface import HuggingFaceSeq2Seq
from tests.fakes import SENTENCES
from tests.translate import tiny

LIMITS = config.Translate(max_ratio=0.4, max_extra=6)  # random weights seldom end by themselves
SOURCES = [tuple(text.split()) for text in (*SENTENCES[::2], "A friend")]
TOKENIZER = ["tokenizer_config.json", "vocab.json", "source.spm", "target.spm"]

Pair = tuple[HuggingFaceSeq2Seq, CTranslate2Seq2Seq]


class WithLanguages(ctranslate2.converters.TransformersConverter):  # type: ignore[misc]
    """The converter as it meets tokenizers of transformers 4, which tell it of the languages."""

    def load_tokenizer(self, kind: Any, name: str, **options: Any) -> Any:
        tokenizer = super().load_tokenizer(kind, name, **options)
        languages = list(getattr(tokenizer, "lang_token_to_id", ()))
        told = type(tokenizer).special_tokens_map.fget(tokenizer)
        told["additional_special_tokens"] = languages
        talking = type("Talking", (type(tokenizer),), {"special_tokens_map": told})
        tokenizer.__class__ = talking
        return tokenizer


@pytest.fixture(scope="module", params=["marian", "m2m100", "t5"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A model of transformers, and the same one converted."""
    folder = tmp_path_factory.mktemp("hub")
    languages = None if request.param == "marian" else ("en", "de")
    original = getattr(tiny, request.param)(folder / "original")
    converted = folder / "converted"
    WithLanguages(str(original)).convert(str(converted))
    model, subwords = load_model(original, languages)
    return HuggingFaceSeq2Seq(model, subwords, LIMITS), CTranslate2Seq2Seq(
        converted, subwords, LIMITS
    )


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a Marian and of its conversion with its tokenizer."""
    folder = tmp_path_factory.mktemp("marian")
    original = tiny.marian(folder / "original")
    ctranslate2.converters.TransformersConverter(str(original), copy_files=TOKENIZER).convert(
        str(folder / "converted")
    )
    return original, folder / "converted"


def proposals(temperature: float = 1.0) -> list[Proposal]:
    """Two drafts of every source."""
    return [
        Proposal(source, 0, temperature, ("seed", i, n))
        for i, source in enumerate(SOURCES)
        for n in range(2)
    ]


def without_barred(
    original: HuggingFaceSeq2Seq, theirs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The converted model's probabilities (B, V) without what the original one bars."""
    [ours] = original.following([Proposal(SOURCES[0])])
    kept = np.where(ours > 0, theirs, 0)
    found: NDArray[np.float64] = kept / kept.sum(axis=1, keepdims=True)
    return found


def test_it_is_one_that_cannot_learn(pair: Pair) -> None:
    """It draws and scores, in the subwords of the original; it has no loss."""
    original, converted = pair
    assert isinstance(converted, Seq2Seq)
    assert not isinstance(converted, TrainableSeq2Seq)
    assert converted.vocabulary_id == original.vocabulary_id
    assert converted.tokens(SENTENCES[1]) == original.tokens(SENTENCES[1])
    assert converted.text(converted.tokens(SENTENCES[1])) == SENTENCES[1]


def test_scores_are_those_of_the_original(pair: Pair) -> None:
    """Whole and unfinished targets, start tokens and padding included, to 1e-3 in float32."""
    original, converted = pair
    targets = [original.tokens(text) for text in (*SENTENCES[1::2], "Ein Freund")]
    targets[1] = targets[1][:-1]
    ours = original.score(SOURCES, targets, [0] * 4)
    theirs = converted.score(SOURCES, targets, [0] * 4)
    for source, target, a, b in zip(SOURCES, targets, ours, theirs, strict=True):
        mass = converted.following(
            [Proposal(source, prefix=target[:t]) for t in range(len(target))]
        )
        places = range(len(target)), target
        assert b == pytest.approx(np.log(mass[places]), abs=1e-3)
        assert a == pytest.approx(np.log(without_barred(original, mass)[places]), abs=1e-3)


def test_distributions_are_those_of_the_original(pair: Pair) -> None:
    """After prefixes of several lengths and at two temperatures."""
    original, converted = pair
    target = original.tokens(SENTENCES[1])
    wanted = [replace(p, prefix=target[:n]) for n, p in enumerate(proposals(0.7))]
    ours, theirs = original.following(wanted), converted.following(wanted)
    assert ours.shape == theirs.shape
    assert theirs.sum(axis=1) == pytest.approx(1)
    assert ours == pytest.approx(without_barred(original, theirs), abs=1e-3)


def test_tokens_come_from_the_keyed_numbers(pair: Pair) -> None:
    """Every token is the one that its number picks, alone or beside others, after any prefix."""
    _, converted = pair
    wanted = proposals(0.8)
    samples = converted.sample(wanted)
    assert len({sample.tokens for sample in samples}) > len(SOURCES)
    for proposal, sample in zip(wanted, samples, strict=True):
        beginnings = [
            replace(proposal, prefix=sample.tokens[:t]) for t in range(len(sample.tokens))
        ]
        mass = converted.following(beginnings)
        for t, (token, log_q) in enumerate(zip(sample.tokens, sample.log_q, strict=True)):
            picked = np.searchsorted(mass[t].cumsum(), uniform(*proposal.key, t), side="right")
            assert int(picked) == token
            assert np.log(mass[t, token]) == pytest.approx(log_q, abs=1e-3)
    [alone] = converted.sample([replace(wanted[3], prefix=samples[3].tokens[:4])])
    assert alone.tokens == samples[3].tokens


def test_what_was_drawn_is_scored_alike(pair: Pair) -> None:
    """At temperature 1 log q of a draft is its score."""
    _, converted = pair
    samples = converted.sample(proposals())
    scores = converted.score(
        [p.source for p in proposals()], [s.tokens for s in samples], [0] * len(samples)
    )
    for sample, score in zip(samples, scores, strict=True):
        assert score == pytest.approx(sample.log_q, abs=1e-3)


def test_greedy_is_the_original(pair: Pair) -> None:
    """At temperature 0 both write the same, up to a token that the original one bars."""
    original, converted = pair
    wanted = [Proposal(source, 0, 0.0) for source in SOURCES]
    [mass] = original.following([wanted[0]])
    compared = 0
    for ours, theirs in zip(original.sample(wanted), converted.sample(wanted), strict=True):
        barred = [t for t, token in enumerate(theirs.tokens) if mass[token] == 0]
        end = min(barred, default=len(theirs.tokens))
        assert theirs.tokens[:end] == ours.tokens[:end]
        compared += end
    assert compared > 20


def test_lags_are_refused(pair: Pair) -> None:
    """It needs whole sources, and says how to ask for that."""
    _, converted = pair
    for ask in (
        lambda: converted.sample([Proposal(SOURCES[0], 3)]),
        lambda: converted.following([Proposal(SOURCES[0], 3)]),
        lambda: converted.score(SOURCES[:1], [(1,)], [3]),
    ):
        with pytest.raises(ConfigError, match="wait-3: .* which is lag 0"):
            ask()


def test_subwords_come_with_the_folder(marian: tuple[Path, Path], tmp_path: Path) -> None:
    """A tokenizer of transformers or SentencePiece models: the same subwords; none is refused."""
    original, converted = marian
    wanted = load_subwords(original)
    with_tokenizer = load_converted(converted)
    assert with_tokenizer.vocabulary_id == wanted.id
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("model.bin", "config.json", "shared_vocabulary.json"):
        (bare / name).write_bytes((converted / name).read_bytes())
    with pytest.raises(ModelError, match="holds no subwords: put"):
        load_converted(bare)
    (bare / "sentencepiece.model").write_bytes((converted / "source.spm").read_bytes())
    with pytest.raises(ModelError, match="so put the tokenizer's files there"):
        load_converted(bare)
    facts = json.loads((bare / "config.json").read_text()) | {"add_source_eos": True}
    (bare / "config.json").write_text(json.dumps(facts))  # as if marian had been converted
    with_pieces = load_converted(bare)
    assert with_pieces.vocabulary_id == wanted.id
    target = wanted.target(SENTENCES[1])
    assert with_pieces.tokens(SENTENCES[1]) == (*target, wanted.eos)
    assert with_pieces.text(target) == SENTENCES[1]
    scores = [
        m.score(SOURCES[:1], [(*target, wanted.eos)], [0]) for m in (with_pieces, with_tokenizer)
    ]
    assert scores[0][0] == pytest.approx(scores[1][0], abs=1e-4)
    names = json.loads((bare / "shared_vocabulary.json").read_text())
    names[5:7] = reversed(names[5:7])
    (bare / "shared_vocabulary.json").write_text(json.dumps(names))
    with pytest.raises(ModelError, match="token 5 is .* put the tokenizer there"):
        CTranslate2Seq2Seq(bare, wanted)
    with pytest.raises(ModelError, match=r"needs model\.bin"):
        load_converted(tmp_path)
