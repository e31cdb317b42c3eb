"""Text to learn from without sound: what the decoder is to know of English.

A core reads far faster than it hears, since no encoder is in the way. The decoder
learns from text as an internal language model does (Meng et al. 2021, arXiv:2102.01380;
with sound beside it: Meng et al. 2023, arXiv:2302.08583): nothing is heard, so attention to sound
adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from simulst.train.listener.batches import IGNORED
from simulst.train.listener.model import MAX_TOKENS
from simulst.train.listener.texts import SOURCES, mean_words
from simulst.train.listener.tokenizer import special_id

__all__ = ["TextBatch", "Texts"]

ROUND = 16
"""Batches whose rows are sorted by length before they are cut apart."""
MOST_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class TextBatch:
    """A batch of text.

    Attributes:
        tokens: (B, U) forced tokens, as where something is heard.
        targets: (B, U) the tokens that follow them, `IGNORED` behind a row's end.
    """

    tokens: Tensor
    targets: Tensor


class Texts:
    """Batches of neighbouring sentences, the same for the same seed and step.

    Args:
        sentences: clean text by source, of `texts.SOURCES`.
        tokenizer: of the model.
        size: tokens a batch, padding included, about.
        seed: of the choice.
    """

    def __init__(
        self, sentences: Mapping[str, Sequence[str]], tokenizer: Tokenizer, size: int, seed: int
    ) -> None:
        self._sentences = {name: sentences[name] for name in SOURCES if sentences.get(name)}
        # shares are of words, rows are counted in sentences
        self._weights = [
            SOURCES[name] / mean_words(texts) for name, texts in self._sentences.items()
        ]
        self._tokenizer = tokenizer
        self._size = size
        self._seed = seed
        self._forced = [
            special_id(tokenizer, token) for token in ("<|startoftranscript|>", "<|notimestamps|>")
        ]
        self._end = special_id(tokenizer, "<|endoftext|>")
        self._round: tuple[int, list[TextBatch]] = (-1, [])

    def batch(self, step: int) -> TextBatch:
        """What is read at a step."""
        number, place = divmod(step, ROUND)
        if self._round[0] != number:
            self._round = (number, self._draw_round(number))
        batches = self._round[1]
        return batches[place % len(batches)]

    def _draw_round(self, number: int) -> list[TextBatch]:
        rng = Random(f"{self._seed}:reading:{number}")
        rows: list[list[int]] = []
        while sum(map(len, rows)) < ROUND * self._size:
            chosen = [f" {self._draw(rng)}" for _ in range(64)]
            rows += [row.ids for row in self._tokenizer.encode_batch(chosen)]
        rows.sort(key=len)
        groups: list[list[list[int]]] = [[]]
        for row in rows:
            if groups[-1] and (len(groups[-1]) + 1) * (len(row) + 2) > self._size:
                groups.append([])
            groups[-1].append(row[: MAX_TOKENS - 3])
        rng.shuffle(groups)
        return [self._make(group) for group in groups]

    def _draw(self, rng: Random) -> str:
        """One to `MOST_SENTENCES` neighbours."""
        texts = self._sentences[rng.choices(list(self._sentences), self._weights)[0]]
        first = rng.randrange(len(texts))
        return " ".join(texts[first : first + rng.randint(1, MOST_SENTENCES)])

    def _make(self, rows: Sequence[Sequence[int]]) -> TextBatch:
        whole = [torch.tensor([*self._forced, *row, self._end]) for row in rows]
        tokens = pad_sequence([row[:-1] for row in whole], True, self._end)
        targets = pad_sequence([row[1:] for row in whole], True, IGNORED)
        targets[:, : len(self._forced) - 1] = IGNORED  # whether there is speech is not read
        return TextBatch(tokens, targets)
