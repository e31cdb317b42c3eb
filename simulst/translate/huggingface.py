"""Encoder-decoders of transformers as `TrainableSeq2Seq`: Marian, M2M100, NLLB, BART, T5 ...

They were trained on whole sources, which is lag 0. Under a lag, every token is what the model says
of the source words that `simulst.translate.schedule` shows it, and the encoder runs again on each
beginning of the source: right, but slow.

Deliberately missing: dropout while learning, so that a killed run ends as a whole one does, and
half precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from simulst import config
from simulst.protocols import Lesson, Proposal, Sample, TrainableSeq2Seq
from simulst.translate.checkpoints import write_model
from simulst.translate.drafts import Drafts, batches
from simulst.translate.network import Network
from simulst.translate.schedule import View, seen, views
from simulst.translate.subwords import TokenizerSubwords

__all__ = ["HuggingFaceSeq2Seq"]


class HuggingFaceSeq2Seq:
    """Draws, scores and learns whole sentences. Implements `TrainableSeq2Seq`.

    Padding, the start token and what the model's generation settings suppress are barred from what
    is drawn and scored; while the source is open, so is the end of sentence.

    Args:
        model: an encoder-decoder with a language-modelling head. Learning changes its weights.
        subwords: of its tokenizer.
        limits: the longest target: `max_ratio` and `max_extra` count subwords here.
        device: where to compute; the weights are moved there, in float32.

    Raises:
        ModelError: the model does not say what a target starts with.
    """

    def __init__(
        self,
        model: Any,
        subwords: TokenizerSubwords,
        limits: config.Translate | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.model = model
        self.subwords = subwords
        self.vocabulary_id = subwords.id
        self.source_language = subwords.source_language
        self.target_language = subwords.target_language
        self.eos = subwords.eos
        self._network = Network(model, subwords, self.device)
        self._limits = limits or config.Translate()

    # -- text ------------------------------------------------------------------------------

    def tokens(self, text: str) -> tuple[int, ...]:
        """A target sentence in subwords, the end of sentence included."""
        return (*self.subwords.target(text), self.eos)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; the end of sentence is left out."""
        return self.subwords.text([token for token in tokens if token != self.eos])

    # -- drawing -----------------------------------------------------------------------------

    @torch.inference_mode()
    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Draw one target for each proposal; see `Seq2Seq`."""
        found: dict[int, Sample] = {}
        for draw, lagging in ((self._draw, False), (self._draw_open, True)):
            places = [i for i, p in enumerate(proposals) if (p.lag > 0) == lagging]
            lengths = [self._longest(proposals[i]) if lagging else 1 for i in places]
            for part in batches(lengths, self._network.size):
                drawn = draw([proposals[i] for i in places[part]])
                found.update(zip(places[part], drawn, strict=True))
        return [found[i] for i in range(len(proposals))]

    def _longest(self, proposal: Proposal) -> int:
        subwords = len(self.subwords.source(proposal.source))
        longest = int(self._limits.max_ratio * subwords + self._limits.max_extra)
        return min(longest, self._network.positions - len(self._network.start))

    def _draw(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """With the whole source and the decoder's cache.

        All rows are at the same position, so that none is ever padded, whatever a model makes of
        positions: while some drafts are drawn, the longer ones of the prefixes are still read.
        """
        network = self._network
        drafts = Drafts(proposals, [self._longest(p) for p in proposals], self.eos)
        rows, at = drafts.live, 0
        if not rows:
            return drafts.samples()
        encoded = network.encode([proposals[i].source for i in rows])
        cache = network.cache()
        start = torch.tensor([network.start], device=self.device).expand(len(encoded.states), -1)
        logits = network.decode(start, encoded.states, encoded.filled, cache)[:, -1]
        cache.reorder_cache(encoded.index)  # from a row a source to a row a draft
        states, filled = encoded.rows()
        logits = logits[encoded.index]
        while True:
            ready = [place for place, i in enumerate(rows) if len(drafts.tokens[i]) == at]
            if ready:
                free = network.allowed(logits[ready], [True] * len(ready))
                drafts.take(free, [rows[place] for place in ready])
            if not drafts.live:
                return drafts.samples()
            if len(drafts.live) < len(rows):
                going = set(drafts.live)
                kept = [place for place, i in enumerate(rows) if i in going]
                cache.reorder_cache(torch.tensor(kept, device=self.device))
                states, filled, rows = states[kept], filled[kept], drafts.live
            end = min(len(drafts.tokens[i]) for i in rows)
            ids = torch.tensor([drafts.tokens[i][at:end] for i in rows], device=self.device)
            logits = network.decode(ids, states, filled, cache)[:, -1]
            at = end

    def _draw_open(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Under a lag: every token anew, from what of the source it may see."""
        drafts = Drafts(proposals, [self._longest(p) for p in proposals], self.eos)
        while drafts.live:
            beginnings = [
                replace(proposals[i], prefix=tuple(drafts.tokens[i])) for i in drafts.live
            ]
            drafts.take(self._next(beginnings), drafts.live)
        return drafts.samples()

    def _next(self, proposals: Sequence[Proposal]) -> Tensor:
        """Logits (B, V) of the token after each prefix."""
        network, begins = self._network, self.subwords.begins
        shown = [seen(len(p.source), p.prefix, p.lag, begins)[-1] for p in proposals]
        encoded = network.encode([p.source[:n] for p, n in zip(proposals, shown, strict=True)])
        ids, _ = network.padded([(*network.start, *p.prefix) for p in proposals])
        logits = network.decode(ids, *encoded.rows())
        last = [len(network.start) + len(p.prefix) - 1 for p in proposals]
        closed = [n == len(p.source) for p, n in zip(proposals, shown, strict=True)]
        return network.allowed(logits[range(len(proposals)), last], closed)

    @torch.inference_mode()
    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        """Probabilities (B, V) of the token after each prefix; see `Seq2Seq`."""
        found = [np.zeros((0, self._network.size))]
        lengths = [len(p.prefix) + len(self._network.start) for p in proposals]
        for part in batches(lengths, self._network.size):
            warmth = torch.tensor([p.temperature or 1.0 for p in proposals[part]]).unsqueeze(1)
            logits = self._next(proposals[part]) / warmth.to(self.device)
            found.append(torch.softmax(logits.double(), dim=-1).cpu().numpy())
        return np.concatenate(found)

    # -- scoring and learning -----------------------------------------------------------------

    def _logits(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
        eos: int | None = None,
    ) -> tuple[Tensor, list[bool]]:
        """Logits (N, V) of all tokens of all targets, and whether each saw the whole source."""
        network, cut = self._network, list[View]()
        for source, target, lag in zip(sources, targets, lags, strict=True):
            cut += views(source, target, lag, self.subwords.begins, eos)
        encoded = network.encode([view.source for view in cut])
        ids, _ = network.padded([(*network.start, *view.target[:-1]) for view in cut])
        logits = network.decode(ids, *encoded.rows())
        before = len(network.start) - 1
        parts = [
            logits[i, before + view.begin : before + len(view.target)] for i, view in enumerate(cut)
        ]
        closed = [view.closed for view in cut for _ in view.target[view.begin :]]
        return torch.cat(parts), closed

    @torch.inference_mode()
    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        """Log-probability of every target token; see `Seq2Seq`."""
        network, found = self._network, list[tuple[float, ...]]()
        runs = [len(source) if lag else 1 for source, lag in zip(sources, lags, strict=True)]
        sizes = [n * (len(t) + len(network.start)) for n, t in zip(runs, targets, strict=True)]
        for part in batches(sizes, network.size):
            free = network.allowed(*self._logits(sources[part], targets[part], lags[part]))
            labels = torch.tensor([token for target in targets[part] for token in target])
            logs = torch.log_softmax(free, dim=-1).gather(1, labels.to(self.device).unsqueeze(1))
            rows = torch.split(logs.squeeze(1).cpu(), [len(target) for target in targets[part]])
            found += [tuple(row.tolist()) for row in rows]
        return found

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """What an optimiser changes."""
        parameters: Iterable[torch.nn.Parameter] = self.model.parameters()
        return parameters

    def logits(self, lessons: Sequence[Lesson]) -> Tensor:
        """(N, V) of all tokens of all lessons, one after another, with gradients.

        The end of sentence is predicted from the whole source, as no lag writes it before.
        """
        targets = [lesson.tokens for lesson in lessons]
        sources, lags = [lesson.source for lesson in lessons], [lesson.lag for lesson in lessons]
        return self._logits(sources, targets, lags, self.eos)[0]

    def loss(
        self,
        lessons: Sequence[Lesson],
        anchor: TrainableSeq2Seq | None = None,
        pull: float = 0.0,
        smoothing: float = 0.0,
    ) -> Tensor:
        """Weighted cross-entropy and the pull to the anchor, a token; see `TrainableSeq2Seq`."""
        logits = self.logits(lessons).float()
        labels = torch.tensor([token for lesson in lessons for token in lesson.tokens])
        weights = torch.tensor([weight for lesson in lessons for weight in lesson.weights])
        labels, weights = labels.to(self.device), weights.to(self.device)
        total = weights.sum().clamp(min=1e-9)
        losses = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
        loss = (losses * weights).sum() / total
        if anchor is not None and pull > 0:
            assert isinstance(anchor, HuggingFaceSeq2Seq), "an anchor is an earlier self"
            with torch.no_grad():
                there = torch.log_softmax(anchor.logits(lessons).float(), dim=-1)
            logs = torch.log_softmax(logits, dim=-1)
            loss = loss + pull * (logs.exp() * (logs - there)).sum(dim=-1).mean()
        return loss

    def save(self, folder: Path, fields: Mapping[str, Any]) -> None:
        """Write a folder that transformers opens, with `simulst.json` for languages and fields."""
        write_model(folder, self.model, self.subwords, fields)
