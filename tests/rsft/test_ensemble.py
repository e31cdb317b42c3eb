"""Several models that judge as one, against the mean of their probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulst.errors import ConfigError, ModelError
from simulst.protocols import Proposal, Seq2Seq, Stepwise
from simulst.rsft.beam import beam_search
from simulst.rsft.ensemble import Ensemble, together
from simulst.rsft.opening import open_model, open_policy, weights_of
from simulst.rsft.speculation import speculative
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, ToySeq2Seq, translator

SOURCE = tuple(SENTENCES[0].split()[:3])


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 3)


def packs(folder: Path) -> str:
    """Names of two packs, by comma."""
    names = []
    for seed in (1, 2):
        made = translator(seed, bidirectional=seed == 2)
        save_translator(folder / str(seed), made.model, made.vocabulary, "en", "de")
        names.append(str(folder / str(seed)))
    return ",".join(names)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_p_is_the_mean(temperature: float) -> None:
    """Of every next token, of every token of a target, and of what is steered."""
    one, two = (WaitkSeq2Seq(translator(seed)) for seed in (1, 2))
    both = together([one, two])
    assert isinstance(both, Stepwise)
    target = one.sample([Proposal(SOURCE, 0, 0.0)])[0].tokens[:6]
    writing = both.write([Proposal(SOURCE, 0, temperature)])
    for i, token in enumerate(target):
        proposal = Proposal(SOURCE, 0, 1.0, prefix=target[:i])
        mean = np.mean([model.following([proposal])[0] for model in (one, two)], axis=0)
        warmed = mean ** (1 / temperature) / (mean ** (1 / temperature)).sum()
        asked = Proposal(SOURCE, 0, temperature, prefix=target[:i])
        assert both.following([asked])[0] == pytest.approx(warmed, abs=1e-6)
        assert np.exp(writing.log_masses()[0]) == pytest.approx(warmed, abs=1e-5)
        [scores] = both.score([SOURCE], [target], [0])
        assert scores[i] == pytest.approx(np.log(mean[token]), abs=1e-4)
        writing.take([token])


def test_alone_it_is_itself() -> None:
    """A single model is not wrapped, and one with itself says what it says."""
    toy = ToySeq2Seq("a")
    assert together([toy]) is toy
    twice = together([toy, ToySeq2Seq("a")])
    assert not isinstance(twice, Stepwise)
    asked = [Proposal(("x", "y"), 0, 1.0), Proposal(("x",), 0, 0.0)]
    np.testing.assert_allclose(twice.following(asked), toy.following(asked))
    assert beam_search(twice, [("x", "y")], 0) == beam_search(toy, [("x", "y")], 0)


def test_it_judges(tmp_path: Path) -> None:
    """By name it is a teacher; both ways of following the models agree."""
    policy = WaitkSeq2Seq(translator())
    teacher = open_model(packs(tmp_path))
    wanted = [Proposal(SOURCE, 2, 1.0, ("seed", i)) for i in range(8)]
    drawn = policy.sample(wanted)
    steered = speculative(policy, teacher, wanted, drawn, 1.0, policy.eos, 2.0)
    plain = Ensemble([open_model(name) for name in packs(tmp_path).split(",")])
    followed = speculative(policy, plain, wanted, drawn, 1.0, policy.eos, 2.0)
    assert [row.tokens for row in steered] == [row.tokens for row in followed]
    assert 0 < sum(row.passed for row in steered) < sum(row.judged for row in steered)


def test_what_is_refused(tmp_path: Path) -> None:
    """Foreign subwords, other languages, and several models as a policy."""
    name = packs(tmp_path)
    one, two = name.split(",")
    assert len({weights_of(name), weights_of(one), weights_of(two)}) == 3
    with pytest.raises(ConfigError, match="is several models"):
        open_policy(name)
    with pytest.raises(ConfigError, match="name one policy"):
        open_model(name).sample([])
    stranger = WaitkSeq2Seq(translator(1, "character"))
    with pytest.raises(ModelError, match="the same --vocabulary"):
        together([open_model(one), stranger])
    french: Seq2Seq = WaitkSeq2Seq(translator(1))
    french.source_language, french.target_language = "en", "fr"
    german: Seq2Seq = WaitkSeq2Seq(translator(1))
    german.source_language, german.target_language = "en", "de"
    with pytest.raises(ModelError, match="en-de and en-fr: name some of one pair"):
        together([german, french])
