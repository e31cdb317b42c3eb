"""Wait-k over whole sentences: the text, the delays and the scores of the live policy."""

from __future__ import annotations

from functools import cache

import pytest

from simulst import packs
from simulst.accept import rules
from simulst.config import Accept, Translate
from simulst.corpus import Pair
from simulst.evaluate.quality import score
from simulst.evaluate.schedule import mean_bleu, written_under
from simulst.evaluate.simulate import simulate
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.policy import Policy
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import load_translator
from tests.fakes import SENTENCES, translator

PAIRS = [Pair(*SENTENCES[i : i + 2]) for i in (0, 2, 4)]


@cache
def shipped() -> WaitkTranslator:
    """The pack that ships: random weights would not end their words."""
    return load_translator(packs.find("en-de", "translator"))


@pytest.mark.parametrize("lag", [1, 3])
def test_it_is_what_the_live_policy_writes(lag: int) -> None:
    """Texts and delays are those of the rule wait-k, read word by word."""
    accept = Accept(rule="wait-k", k_min=lag, k_max=lag)
    policy = Policy(shipped(), rules.build(accept), accept, Translate())
    found = written_under(WaitkSeq2Seq(shipped()), PAIRS, lag)
    assert list(simulate(policy, PAIRS).instances) == found


@pytest.mark.parametrize("lag", [1, 3])
def test_characters_come_a_piece_at_a_time(lag: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a script without spaces the delays are those of the pieces that the policy writes."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 2)  # random weights end none
    accept = Accept(rule="wait-k", k_min=lag, k_max=lag)
    chinese = translator(1, "character")
    policy = Policy(chinese, rules.build(accept), accept, Translate())
    (live, *_) = simulate(policy, PAIRS[:1], "").instances
    (found,) = written_under(WaitkSeq2Seq(chinese), PAIRS[:1], lag)
    assert live.character and found.character
    count = min(len(live.delays), len(found.delays))
    assert count > 5  # the longest sentence is another, which random weights reach
    assert live.prediction[:count] == found.prediction[:count]
    assert live.delays[:count] == found.delays[:count]


def test_whole_source_and_mean() -> None:
    """With lag 0 all is read before the first word; the mean is that of the lags' scores."""
    model = WaitkSeq2Seq(shipped())
    for instance in written_under(model, PAIRS, 0):
        assert set(instance.delays) == {instance.source_length}
    references = [pair.target for pair in PAIRS]
    scores = [
        score([one.prediction for one in written_under(model, PAIRS, lag)], references, "de").bleu
        for lag in (0, 2)
    ]
    assert mean_bleu(model, PAIRS, (0, 2), "de") == pytest.approx(sum(scores) / 2)
