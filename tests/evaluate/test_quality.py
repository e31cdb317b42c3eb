"""BLEU and chrF by sacrebleu, and the paired bootstrap."""

from __future__ import annotations

import pytest
import sacrebleu

from simulst.errors import DataError
from simulst.evaluate import quality

REFERENCES = [f"Das ist der Satz Nummer {i} von sehr vielen Sätzen." for i in range(30)]
ROUGH = [line.replace("Nummer", "Zahl") if i % 3 else line for i, line in enumerate(REFERENCES)]
POOR = [line.replace("sehr vielen", "wenigen") for line in ROUGH]


def test_scores_are_those_of_sacrebleu() -> None:
    """BLEU and chrF equal what sacrebleu's own functions give."""
    found = quality.score(ROUGH, REFERENCES, "de")
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(ROUGH, [REFERENCES]).score)
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(ROUGH, [REFERENCES]).score)
    assert 0 < found.bleu < 100


def test_signatures_name_tokenisation_and_version() -> None:
    """Each score's signature holds its tokeniser and sacrebleu's version."""
    found = quality.score(ROUGH, REFERENCES, "de")
    assert "tok:13a" in found.bleu_signature and sacrebleu.__version__ in found.bleu_signature
    assert "nc:6" in found.chrf_signature


def test_languages_without_spaces_are_not_cut_at_spaces() -> None:
    """Chinese has sacrebleu's tokeniser; Japanese without MeCab is cut into characters."""
    assert quality.tokeniser("zh") == "zh"
    assert quality.tokeniser("ja") in ("ja-mecab", "char")
    assert quality.tokeniser("th") == "char"
    assert quality.tokeniser("zh-TW") == quality.tokeniser("zho_Hans") == "zh"
    assert quality.score(["今天天气很好"], ["今天天气不好"], "zh").bleu > 0


def test_an_empty_translation_lowers_the_score() -> None:
    """An empty line counts as a bad translation, not as a missing one."""
    with_gap = quality.score(["", *ROUGH[1:]], REFERENCES, "de")
    assert with_gap.bleu < quality.score(ROUGH, REFERENCES, "de").bleu


@pytest.mark.parametrize("predictions", [ROUGH[:-1], []])
def test_unequal_lengths_are_refused(predictions: list[str]) -> None:
    """Scoring against another number of references is an error that gives both numbers."""
    with pytest.raises(DataError, match=f"{len(predictions)} translations against 30"):
        quality.score(predictions, REFERENCES, "de")


def test_a_clear_difference_is_significant() -> None:
    """The bootstrap finds a system that is better on most lines significantly better."""
    bleu, chrf = quality.compare(POOR, {"rough": ROUGH}, REFERENCES, "de", samples=200)
    assert (bleu.metric, chrf.metric) == ("BLEU", "chrF")
    assert bleu.score > bleu.baseline and bleu.p_value < 0.05
    assert bleu.baseline == pytest.approx(quality.score(POOR, REFERENCES, "de").bleu)
    assert "bs:200" in bleu.signature


def test_a_system_does_not_differ_from_itself() -> None:
    """sacrebleu gives the smallest p-value to identical systems; ours is 1."""
    for found in quality.compare(ROUGH, {"same": list(ROUGH)}, REFERENCES, "de", samples=50):
        assert found.p_value == 1


def test_comparing_with_nothing_gives_nothing() -> None:
    """Without systems there are no comparisons, but lengths are still checked."""
    assert quality.compare(ROUGH, {}, REFERENCES, "de") == []
    with pytest.raises(DataError, match="'?other"):
        quality.compare(ROUGH, {"other": ROUGH[:3]}, REFERENCES, "de")
