"""What a model of whole sentences would write under wait-k, with the delays that this means.

Greedy drafts under a lag are word for word what the live policy writes under the rule wait-k, and
hundreds of them are computed side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulst.corpus import Pair
from simulst.evaluate import quality
from simulst.evaluate.logs import Instance
from simulst.protocols import Proposal, Seq2Seq

__all__ = ["mean_bleu", "written_under"]


def written_under(
    model: Seq2Seq, pairs: Sequence[Pair], lag: int, character: bool = False
) -> list[Instance]:
    """The most likely translations under wait-k.

    Args:
        model: translates.
        pairs: sentences with their references.
        lag: k in words; 0 for the whole source.
        character: target units are characters.
    """
    sources = [tuple(pair.source.split()) for pair in pairs]
    samples = model.sample([Proposal(source, lag, 0.0) for source in sources])
    found = []
    for index, (pair, source, sample) in enumerate(zip(pairs, sources, samples, strict=True)):
        text = model.text(sample.tokens)
        count = len(text.replace(" ", "")) if character else len(text.split())
        read = len(source)
        delays = tuple(float(min(lag + unit, read) if lag else read) for unit in range(count))
        found.append(
            Instance(index, text, delays, (), pair.target, pair.source, float(read), character)
        )
    return found


def mean_bleu(model: Seq2Seq, pairs: Sequence[Pair], lags: Sequence[int], language: str) -> float:
    """BLEU under each lag, averaged over the lags.

    Args:
        model: translates.
        pairs: at least one, with references.
        lags: at least one; 0 for the whole source.
        language: of the target, ISO 639-1.
    """
    references = [pair.target for pair in pairs]
    scores = []
    for lag in lags:
        texts = [instance.prediction for instance in written_under(model, pairs, lag)]
        scores.append(quality.score(texts, references, language).bleu)
    return sum(scores) / len(scores)
