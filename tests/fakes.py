"""Small stand-ins that the tests share: a random translator, a scripted transcriber."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from simulst.draws import uniform
from simulst.protocols import Proposal, Request, Sample
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.evidence import EvidenceHead
from simulst.translate.model import Dimensions, WaitkTransformer
from simulst.translate.vocabulary import Vocabulary
from simulst.types import Draft, Score, Window, Word

SENTENCES = (
    "The old house stands at the end of the road.",
    "Das alte Haus steht am Ende der Straße.",
    "A good friend is worth more than money, they say.",
    "Ein guter Freund ist mehr wert als Geld, sagt man.",
    "We will meet again tomorrow morning at eight.",
    "Wir treffen uns morgen früh um acht wieder.",
)


@cache
def vocabulary(unit: str = "word") -> Vocabulary:
    """Three hundred pieces learnt from the sentences above."""
    texts = (
        SENTENCES
        if unit == "word"
        else (*SENTENCES[::2], "老房子在路的尽头。", "好朋友比钱更重要。")
    )
    return Vocabulary.train(texts * 20, 380, unit)


@cache
def translator(seed: int = 0, unit: str = "word", bidirectional: bool = False) -> WaitkTranslator:
    """A wait-k Transformer with random weights, sharp enough to have opinions."""
    torch.manual_seed(seed)
    pieces = vocabulary(unit)
    model = WaitkTransformer(Dimensions(pieces.size, 32, 4, 64, 2, 2, bidirectional))
    with torch.no_grad():
        model.decoder_norm.weight.mul_(2.5)
        for name, weight in model.named_parameters():
            # else the shared embedding makes it repeat its last token
            if name.startswith("decoder.") and name.endswith(
                ("output.weight", "source_output.weight", "feedforward.3.weight")
            ):
                weight.mul_(5)
    return WaitkTranslator(model, pieces, "en", "de" if unit == "word" else "zh")


@cache
def expectant(seed: int = 0) -> WaitkTranslator:
    """The same with learned evidence of random weights, for drafts with 0 or 1 words withheld."""
    plain = translator(seed)
    torch.manual_seed(seed)
    head = EvidenceHead(plain.model.dim.width, 8, (0, 1))
    with torch.no_grad():
        for weight in head.parameters():
            weight.mul_(3)
    return WaitkTranslator(plain.model, plain.vocabulary, "en", "de", head)


class ToyTranslator:
    """Three words, whose probabilities are given: q to who sees less, p to who sees all."""

    source_language, target_language, space, vocabulary_id = "en", "de", " ", "toy"
    learned_lookbacks: tuple[int, ...] = ()
    words = ("a", "b", "c")

    def __init__(self, p: Sequence[float], q: Sequence[float]) -> None:
        self.p, self.q = tuple(p), tuple(q)

    def _for(self, request: Request) -> tuple[float, ...]:
        return self.q if request.withheld else self.p

    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """One word for each request."""
        results: list[tuple[Draft, object]] = []
        for request, draw in zip(requests, draws, strict=True):
            mass = torch.tensor(self._for(request), dtype=torch.float64)
            token = int(mass.argmax())
            if draw is not None:
                u = draw(len(request.prefix.tokens))
                token = int(torch.searchsorted(mass.cumsum(0), u, right=True))
            entropy = float(-(mass * mass.log()).sum())
            log_q = (float(mass[token].log()),)
            results.append((Draft((token,), (1,), (self.words[token],), log_q, (entropy,)), None))
        return results

    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """The probabilities given for whom the request may see."""
        results: list[tuple[Score, object]] = []
        for request, draft in zip(requests, drafts, strict=True):
            mass = torch.tensor(self._for(request), dtype=torch.float64) ** sharpness
            mass /= mass.sum()
            logs = tuple(float(mass[token].log()) for token in draft.tokens)
            best = (int(mass.argmax()),) * len(logs)
            results.append((Score(logs, best, (0.0,) * len(logs)), None))
        return results


class ScriptedTranscriber:
    """Hears given words at given times, whatever the audio says."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, words: Iterable[Word]) -> None:
        self.words = tuple(words)
        self.calls = 0

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """Words inside each window, after its prefix."""
        self.calls += 1
        results = []
        for window in windows:
            after = window.prefix[-1].end if window.prefix else window.audio.start
            results.append(
                tuple(w for w in self.words if w.start >= after and w.end <= window.audio.end)
            )
        return results


class ToySeq2Seq:
    """Sentences of at most three tokens out of 0 (the end), 1 and 2, from a table of its own.

    The probabilities depend on the model's name, the source, the lag and the token before, so
    that every outcome can be enumerated.
    """

    source_language = target_language = ""
    vocabulary_id, eos, longest = "toy", 0, 3

    def __init__(self, name: str) -> None:
        self.name = name

    def tokens(self, text: str) -> tuple[int, ...]:
        return (*map(int, text.split()), self.eos)

    def text(self, tokens: Sequence[int]) -> str:
        return " ".join(str(token) for token in tokens if token != self.eos)

    def _row(self, proposal: Proposal, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        before = prefix[-1] if prefix else -1
        where = "/".join((self.name, *proposal.source))
        logs = np.array(
            [3 * uniform(where, proposal.lag, before, len(prefix), token) for token in range(3)]
        )
        mass: NDArray[np.float64] = np.eye(3)[logs.argmax()]
        if proposal.temperature > 0:
            mass = np.exp(logs / proposal.temperature)
        mass /= mass.sum()
        return mass

    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        return np.stack([self._row(p, p.prefix) for p in proposals])

    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        found = []
        for proposal in proposals:
            tokens, logs = proposal.prefix, []
            while len(tokens) < self.longest and tokens[-1:] != (self.eos,):
                row = self._row(proposal, tokens)
                u = uniform(*proposal.key, len(tokens))
                token = int(np.searchsorted(row.cumsum(), u, side="right"))
                tokens += (token,)
                logs.append(math.log(row[token]))
            found.append(Sample(tokens, tuple(logs), tokens[-1:] == (self.eos,)))
        return found

    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        return [
            tuple(
                math.log(self._row(Proposal(source, lag), target[:i])[token])
                for i, token in enumerate(target)
            )
            for source, target, lag in zip(sources, targets, lags, strict=True)
        ]

    def every(
        self, source: tuple[str, ...], temperature: float = 1.0
    ) -> dict[tuple[int, ...], float]:
        """Each sentence and its probability with the whole source seen."""
        found: dict[tuple[int, ...], float] = {}

        def grow(tokens: tuple[int, ...], mass: float) -> None:
            if len(tokens) == self.longest or tokens[-1:] == (self.eos,):
                found[tokens] = mass
                return
            for token, p in enumerate(self._row(Proposal(source, 0, temperature), tokens)):
                grow((*tokens, token), mass * p)

        grow((), 1.0)
        return found
