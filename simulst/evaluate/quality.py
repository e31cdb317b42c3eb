"""Translation quality by sacrebleu: BLEU and chrF with their signatures, paired bootstrap.

BLEU: Papineni et al. 2002; chrF: Popović 2015; the signature that makes a figure comparable:
Post 2018; paired bootstrap resampling: Koehn 2004. An empty hypothesis counts as an empty
line, never as a missing one.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from simulst.errors import DataError

__all__ = ["Comparison", "Quality", "compare", "score", "tokeniser"]

CHARACTERS = ("ja", "km", "ko", "lo", "my", "th")
"""Languages whose words sacrebleu cannot tell apart without a dictionary of them."""
CHINESE = ("cmn", "yue", "zh", "zho")


@dataclass(frozen=True, slots=True)
class Quality:
    """Corpus scores, 0 to 100, with what must be printed beside them.

    Attributes:
        bleu, chrf: scores.
        bleu_signature, chrf_signature: sacrebleu's short form.
    """

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system against the baseline under one metric.

    Attributes:
        system: its name.
        metric: "BLEU" or "chrF".
        score, baseline: of the whole corpus.
        mean, interval: of the resampled scores of the system, and half of their 95 % interval.
        p_value: of the null hypothesis that system and baseline are equally good; 1 where the
            two scores are the same.
        signature: of the test and the metric.
    """

    system: str
    metric: str
    score: float
    baseline: float
    mean: float
    interval: float
    p_value: float
    signature: str


def tokeniser(language: str) -> str:
    """The sacrebleu tokeniser for a target language (ISO 639-1, "zh-TW" and "zho_Hans" too).

    Japanese and Korean take MeCab where it is installed, else characters; the signature tells
    which, since the two do not compare.
    """
    language = re.split("[-_]", language)[0].lower()
    if language in CHINESE:
        return "zh"
    if language == "ja" and importlib.util.find_spec("ipadic") and _has_mecab():
        return "ja-mecab"
    if language == "ko" and importlib.util.find_spec("mecab_ko"):
        return "ko-mecab"
    return "char" if language in CHARACTERS else "13a"


def _has_mecab() -> bool:
    return importlib.util.find_spec("MeCab") is not None


def _check(predictions: Sequence[str], references: Sequence[str], who: str) -> None:
    if len(predictions) != len(references):
        raise DataError(
            f"{who}: {len(predictions)} translations against {len(references)} references; "
            "give one reference for each"
        )
    if not references:
        raise DataError(f"{who}: there is nothing to score")


def _metrics(language: str) -> dict[str, BLEU | CHRF]:
    # force: tokenised-looking input is the user's data, not a reason to warn on every call
    return {"BLEU": BLEU(tokenize=tokeniser(language), force=True), "chrF": CHRF()}


def score(predictions: Sequence[str], references: Sequence[str], language: str) -> Quality:
    """Score a corpus.

    Args:
        predictions, references: one a sentence, same length.
        language: of the target, ISO 639-1.

    Raises:
        DataError: the two differ in length, or are empty.
    """
    _check(predictions, references, "scoring")
    metrics = _metrics(language)
    found = {
        name: metric.corpus_score(list(predictions), [list(references)]).score
        for name, metric in metrics.items()
    }
    bleu, chrf = (str(metric.get_signature().format(True)) for metric in metrics.values())
    return Quality(found["BLEU"], found["chrF"], bleu, chrf)


def compare(
    baseline: Sequence[str],
    systems: Mapping[str, Sequence[str]],
    references: Sequence[str],
    language: str,
    samples: int = 1000,
) -> list[Comparison]:
    """Paired bootstrap of systems against a baseline over the same sentences.

    Args:
        baseline: its translations.
        systems: name to translations.
        references: one a sentence.
        language: of the target, ISO 639-1.
        samples: resamples; sacrebleu's seed is fixed unless SACREBLEU_SEED says otherwise.

    Raises:
        DataError: lengths differ, or there is nothing to score.
    """
    for name, predictions in (("baseline", baseline), *systems.items()):
        _check(predictions, references, name)
    if not systems:
        return []
    # a name cannot clash with the baseline's: sacrebleu tells systems apart by position
    named = [("baseline", list(baseline)), *((n, list(p)) for n, p in systems.items())]
    test = PairedTest(named, _metrics(language), [list(references)], "bs", n_samples=samples)
    signatures, results = test()
    comparisons = []
    for metric in ("BLEU", "chrF"):
        column = next(c for name, c in results.items() if _same(name, metric))
        signature = next(str(s.format(True)) for n, s in signatures.items() if _same(n, metric))
        for name, result in zip(systems, column[1:], strict=True):
            # sacrebleu counts only resamples that exceed the difference, so for a system tested
            # against itself it reports the smallest p-value there is
            tied = abs(result.score - column[0].score) < 1e-9
            comparisons.append(
                Comparison(
                    name,
                    metric,
                    float(result.score),
                    float(column[0].score),
                    float(result.mean),
                    float(result.ci),
                    1.0 if tied else float(result.p_value),
                    signature,
                )
            )
    return comparisons


def _same(name: str, metric: str) -> bool:
    """Whether sacrebleu's column ("chrF2") is of this metric."""
    return name.lower().startswith(metric.lower())
