"""The wait-k Transformer as a `TrainableSeq2Seq`: whole sentences drawn, scored and learnt from.

Offline the whole source is there, so each distinct source is encoded once and its states serve
all drafts of it, under any lag: a causal encoder's states do not change with what follows, and
the lag only limits how many of them a target position may look at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from simulst import config
from simulst.errors import ModelError
from simulst.protocols import Lesson, Proposal, Sample, TrainableSeq2Seq
from simulst.translate.cache import pad
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.drafts import alike, choose
from simulst.translate.model import Past
from simulst.translate.sight import Sources, filled
from simulst.translate.storage import save_translator
from simulst.translate.writing import WaitkWriting, units_of

__all__ = ["WaitkSeq2Seq"]

ROWS = 256  # sentences computed side by side


class WaitkSeq2Seq:
    """Draws, scores and learns whole sentences. Implements `TrainableSeq2Seq`.

    Args:
        translator: weights, subwords and languages. Learning changes its weights.
        limits: the longest target sentence.
        device: where to compute; the weights are moved there.
    """

    def __init__(
        self,
        translator: WaitkTranslator,
        limits: config.Translate | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.model = translator.model.to(self.device)
        self.vocabulary = translator.vocabulary
        self.vocabulary_id = translator.vocabulary_id
        self.source_language = translator.source_language
        self.target_language = translator.target_language
        self.eos = self.vocabulary.eos
        self._limits = limits or config.Translate()
        self._bias = translator.bias.to(self.device)

    def _there(self) -> AbstractContextManager[object]:
        """Tensors made inside are on the device."""
        return nullcontext() if self.device.type == "cpu" else self.device

    # -- text ------------------------------------------------------------------------------

    def tokens(self, text: str) -> tuple[int, ...]:
        """A target sentence in subwords, the end of sentence included."""
        units = self.vocabulary.encode_units(text)
        return (*(token for unit in units for token in unit), self.eos)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; the end of sentence is left out."""
        return self.vocabulary.text([token for token in tokens if token != self.eos])

    # -- what is shared ----------------------------------------------------------------------

    def _encode(self, sources: Sequence[tuple[str, ...]], lags: Sequence[int]) -> Sources:
        if self.model.dim.bidirectional and any(lags):
            raise ModelError(
                f"a bidirectional model was asked to work under wait-{max(lags)}: it needs the "
                "whole source, which is lag 0"
            )
        places = {source: i for i, source in enumerate(dict.fromkeys(sources))}
        pieces = [self.vocabulary.encode_words(source) for source in places]
        ends = [list(accumulate(len(word) for word in words)) for words in pieces]
        table, _ = pad([[*row, row[-1] + 1] for row in ends])
        return Sources(
            torch.tensor([places[source] for source in sources]),
            table,
            torch.tensor([len(words) for words in pieces]),
            self._memory([[*(t for word in words for t in word), self.eos] for words in pieces]),
        )

    def _memory(self, rows: Sequence[list[int]]) -> Past:
        """Keys and values of some sources, for the decoder; (U, H, S, D / H) a layer."""
        groups = alike([len(row) for row in rows], ROWS)
        longest = max(map(len, rows))
        parts = []
        for group in groups:
            ids, counting = pad([rows[i] for i in group])
            inside = None  # right of what is causal nothing needs a mask
            if self.model.dim.bidirectional and counting is not None:
                inside = counting[:, None, None]
            states, _ = self.model.encode(ids, torch.zeros(len(ids), dtype=torch.long), mask=inside)
            parts.append(F.pad(states, (0, 0, 0, longest - ids.shape[1])))
        back = torch.tensor([place for group in groups for place in group]).argsort()
        return self.model.memory(torch.cat(parts)[back])

    def _states(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[Sequence[int]],
        lags: Sequence[int],
        learning: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Decoder states (B, T, D) in which tokens 0 .. T - 1 are predicted, and kinds (B, T).

        In learning the end of sentence sees the whole source, as no lag writes it before.
        """
        encoded = self._encode(sources, lags)
        cut = [units_of(self.vocabulary, target[:-1]) for target in targets]
        units, _ = pad([row for row, _ in cut])
        starts, _ = pad([row for _, row in cut])
        rows = torch.arange(len(targets))
        sight, closed = encoded.sight(rows, torch.tensor(lags), units)
        if learning:
            ended = [i for i, target in enumerate(targets) if target[-1:] == (self.eos,)]
            last = [len(targets[i]) - 1 for i in ended]
            whole, _ = encoded.sight(rows, torch.zeros(len(targets), dtype=torch.long), units)
            sight[ended, last] = whole[ended, last]
        inputs, _ = pad([[self.vocabulary.bos, *target[:-1]] for target in targets])
        memory = [(k[encoded.index], v[encoded.index]) for k, v in encoded.memory]
        size = memory[0][0].shape[2]
        seen = (torch.arange(size) < sight.unsqueeze(-1)).unsqueeze(1)  # (B, 1, T, S)
        states, _ = self.model.decode(inputs, torch.zeros_like(rows), memory, seen)
        return states, torch.where(starts.bool(), 1 + closed.long(), 0)

    # -- drawing -----------------------------------------------------------------------------

    @torch.inference_mode()
    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Draw one target for each proposal; see `Seq2Seq`."""
        found: list[Sample | None] = [None] * len(proposals)
        # neighbours in length are drawn side by side
        order = sorted(range(len(proposals)), key=lambda i: len(proposals[i].source))
        with self._there():
            for begin in range(0, len(order), ROWS):
                places = order[begin : begin + ROWS]
                for place, sample in zip(
                    places, self._draw([proposals[i] for i in places]), strict=True
                ):
                    found[place] = sample
        return [sample for sample in found if sample is not None]

    def _draw(self, proposals: Sequence[Proposal]) -> list[Sample]:
        writing = self._write(proposals)
        logs: list[list[float]] = [[] for _ in proposals]
        while live := writing.live:
            log_mass = writing.log_mass()
            chosen = choose(
                log_mass, [proposals[i] for i in live], [len(writing.tokens[i]) for i in live]
            )
            taken = log_mass.gather(1, chosen.unsqueeze(1)).squeeze(1).tolist()
            for i, log_q in zip(live, taken, strict=True):
                logs[i].append(log_q)
            writing.take(chosen.tolist())
        return [
            Sample(tuple(row), tuple(log_q), row[-1:] == [self.eos])
            for row, log_q in zip(writing.tokens, logs, strict=True)
        ]

    @torch.inference_mode()
    def write(self, proposals: Sequence[Proposal]) -> WaitkWriting:
        """Begin to write targets, a token of each at a time; see `Stepwise`."""
        with self._there():
            return self._write(proposals)

    def _write(self, proposals: Sequence[Proposal]) -> WaitkWriting:
        encoded = self._encode([p.source for p in proposals], [p.lag for p in proposals])
        ratio, extra = self._limits.max_ratio, self._limits.max_extra
        longest = [int(ratio * len(p.source) + extra) for p in proposals]
        parts = self.model, self.vocabulary, self._bias, encoded
        return WaitkWriting(*parts, proposals, longest)

    @torch.inference_mode()
    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        """Probabilities (B, V) of the token after each prefix; see `Seq2Seq`."""
        if not proposals:
            return np.zeros((0, self.vocabulary.size))
        with self._there():
            parts = [
                self._following(proposals[begin : begin + ROWS])
                for begin in range(0, len(proposals), ROWS)
            ]
        return np.concatenate(parts)

    def _following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        # a token that stands for the one asked for, whichever it will be
        targets = [(*p.prefix, self.eos) for p in proposals]
        sources, lags = [p.source for p in proposals], [p.lag for p in proposals]
        states, kinds = self._states(sources, targets, lags)
        last = torch.tensor([len(p.prefix) for p in proposals])
        rows = torch.arange(len(proposals))
        logits = self.model.logits(states[rows, last]) + self._bias[kinds[rows, last]]
        warmth = torch.tensor([p.temperature or 1.0 for p in proposals]).unsqueeze(1)
        mass: NDArray[np.float64] = torch.softmax((logits / warmth).double(), -1).cpu().numpy()
        return mass

    # -- scoring and learning -----------------------------------------------------------------

    @torch.inference_mode()
    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        """Log-probability of every target token; see `Seq2Seq`."""
        found: list[tuple[float, ...]] = [()] * len(targets)
        with self._there():
            for group in alike([len(target) for target in targets], ROWS):
                some = [sources[i] for i in group], [targets[i] for i in group]
                for place, logs in zip(
                    group, self._score(*some, [lags[i] for i in group]), strict=True
                ):
                    found[place] = logs
        return found

    def _score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        states, kinds = self._states(sources, targets, lags)
        keep = filled(targets)
        logits = self.model.logits(states[keep]) + self._bias[kinds[keep]]
        labels = torch.tensor([token for target in targets for token in target])
        logs = torch.log_softmax(logits, dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)
        rows = torch.split(logs.cpu(), [len(target) for target in targets])
        return [tuple(row.tolist()) for row in rows]

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """What an optimiser changes."""
        return self.model.parameters()

    def logits(self, lessons: Sequence[Lesson]) -> Tensor:
        """(N, V) of all tokens of all lessons, one after another, with gradients."""
        targets = [lesson.tokens for lesson in lessons]
        sources, lags = [lesson.source for lesson in lessons], [lesson.lag for lesson in lessons]
        with self._there():
            states, _ = self._states(sources, targets, lags, learning=True)
            return self.model.logits(states[filled(targets)])

    def _groups(self, lessons: Sequence[Lesson]) -> Iterator[list[Lesson]]:
        """The lessons, those of similar length together."""
        sizes = [max(len(lesson.source), len(lesson.tokens)) for lesson in lessons]
        for group in alike(sizes, ROWS):
            yield [lessons[i] for i in group]

    def loss(
        self,
        lessons: Sequence[Lesson],
        anchor: TrainableSeq2Seq | None = None,
        pull: float = 0.0,
        smoothing: float = 0.0,
    ) -> Tensor:
        """Weighted cross-entropy and the pull to the anchor, a token; see `TrainableSeq2Seq`."""
        total = max(math.fsum(weight for lesson in lessons for weight in lesson.weights), 1e-9)
        count = sum(len(lesson.tokens) for lesson in lessons)
        parts = []
        for group in self._groups(lessons):
            logits = self.logits(group).float()
            with self._there():
                labels = torch.tensor([token for lesson in group for token in lesson.tokens])
                weights = torch.tensor([weight for lesson in group for weight in lesson.weights])
            losses = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
            parts.append((losses * weights).sum() / total)
            if anchor is not None and pull > 0:
                assert isinstance(anchor, WaitkSeq2Seq), "an anchor is an earlier self"
                with torch.no_grad():
                    there = torch.log_softmax(anchor.logits(group).float(), dim=-1)
                logs = torch.log_softmax(logits, dim=-1)
                parts.append(pull * (logs.exp() * (logs - there)).sum() / count)
        return torch.stack(parts).sum()

    def save(self, folder: Path, fields: Mapping[str, Any]) -> None:
        """Write a translator pack."""
        languages = self.source_language, self.target_language
        save_translator(folder, self.model, self.vocabulary, *languages, fields)
