"""What a model of whole sentences would write under wait-k, with the delays that this means.

Greedy drafts under a lag are word for word what the live policy writes under the rule wait-k, and
hundreds of them are computed side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulst.corpus import Pair
from simulst.evaluate import quality
from simulst.evaluate.logs import Instance, count_units
from simulst.evaluate.session import unspaced
from simulst.protocols import Proposal, Seq2Seq
from simulst.translate.writing import units_of

__all__ = ["mean_bleu", "written_under"]


def written_under(model: Seq2Seq, pairs: Sequence[Pair], lag: int) -> list[Instance]:
    """The most likely translations under wait-k.

    Args:
        model: translates; its target language says whether units are words or characters.
        pairs: sentences with their references.
        lag: k in words; 0 for the whole source.
    """
    character = unspaced(model.target_language)
    sources = [tuple(pair.source.split()) for pair in pairs]
    samples = model.sample([Proposal(source, lag, 0.0) for source in sources])
    found = []
    for index, (pair, source, sample) in enumerate(zip(pairs, sources, samples, strict=True)):
        text, read = model.text(sample.tokens), len(source)
        # one unit is written a word read; where that is a piece, its characters come together
        sizes = _pieces(model, sample.tokens) if character else [1] * len(text.split())
        delays = tuple(
            float(min(lag + unit, read) if lag else read)
            for unit, size in enumerate(sizes)
            for _ in range(size)
        )
        found.append(
            Instance(index, text, delays, (), pair.target, pair.source, float(read), character)
        )
    return found


def _pieces(model: Seq2Seq, tokens: Sequence[int]) -> list[int]:
    """How many characters each unit of a target has."""
    vocabulary = getattr(model, "vocabulary", None)
    tokens = [token for token in tokens if token != model.eos]
    if vocabulary is None:  # of models made elsewhere a unit is known to have one at least
        return [1] * count_units(model.text(tokens), True)
    found: dict[int, list[int]] = {}
    for token, unit in zip(tokens, units_of(vocabulary, tokens)[0], strict=False):
        found.setdefault(unit, []).append(token)
    return [count_units(model.text(unit), True) for unit in found.values()]


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
