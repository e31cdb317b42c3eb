"""An encoder-decoder of transformers, in the few calls that drawing, scoring and learning need.

Sources are padded on the right and masked, targets on the right where nothing looks back at them,
so that a row's numbers do not depend on its neighbours but for the order of float sums.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simulst.errors import ModelError
from simulst.translate.decoding import BARRED
from simulst.translate.subwords import TokenizerSubwords

__all__ = ["Encoded", "Network"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Distinct sources of a batch.

    Attributes:
        states: (U, S, D) of the encoder.
        filled: (U, S) 1 where there is a token, else 0.
        index: (B,) the source of each row.
    """

    states: Tensor
    filled: Tensor
    index: Tensor

    def rows(self) -> tuple[Tensor, Tensor]:
        """States (B, S, D) and what of them counts (B, S), a row each."""
        return self.states[self.index], self.filled[self.index]


class Network:
    """The model and what belongs to it.

    Args:
        model: an encoder-decoder with a language-modelling head; put into float32.
        subwords: of its tokenizer.
        device: where to compute.

    Attributes:
        start: tokens that every target begins with.
        positions: tokens that a sentence may have, those included.
        size: of the vocabulary, V.

    Raises:
        ModelError: the model does not say what a target starts with.
    """

    def __init__(self, model: Any, subwords: TokenizerSubwords, device: torch.device) -> None:
        self.model = model.float().to(device).eval()
        unsaved = getattr(model, "_keys_to_ignore_on_save", None) or ()
        for name, parameter in model.named_parameters():
            if name in unsaved:  # Marian's positions, say: learnt, they would be lost on saving
                parameter.requires_grad_(False)
        self.subwords = subwords
        self.device = device
        settings = model.generation_config
        start = settings.decoder_start_token_id
        start = getattr(model.config, "decoder_start_token_id", None) if start is None else start
        if start is None:
            raise ModelError(
                f"{model.config.name_or_path} does not say what a target starts with: set "
                "decoder_start_token_id in its config.json"
            )
        self.start = (int(start), *subwords.forced)
        self.positions = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self.size = int(model.get_output_embeddings().weight.shape[0])
        self._pad = subwords.eos if subwords.pad is None else subwords.pad
        barred = set(range(self.size)) - subwords.names.keys()
        barred |= {int(start), self._pad, *(settings.suppress_tokens or ())}
        barred |= {words[0] for words in settings.bad_words_ids or () if len(words) == 1}
        self._bias = torch.zeros(self.size, device=device)
        self._bias[sorted(barred - {subwords.eos})] = BARRED
        forward = inspect.signature(model.forward).parameters
        self._cache = "cache" if "cache" in forward else "past_key_values"  # the older name

    def padded(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids (B, n) padded on the right, and which of them count, as 1 and 0.

        Raises:
            ModelError: a row is longer than the model can read.
        """
        lengths = torch.tensor([len(row) for row in rows])
        width = int(lengths.max())
        if width > self.positions:
            raise ModelError(
                f"a sentence has {width} subwords, {self.model.config.name_or_path} reads "
                f"{self.positions} at most: split it"
            )
        ids = torch.tensor([[*row, *[self._pad] * (width - len(row))] for row in rows])
        filled = (torch.arange(width) < lengths.unsqueeze(1)).long()
        return ids.to(self.device), filled.to(self.device)

    def encode(self, sources: Sequence[tuple[str, ...]]) -> Encoded:
        """Encode each distinct source once."""
        places = {source: i for i, source in enumerate(dict.fromkeys(sources))}
        ids, filled = self.padded([self.subwords.source(source) for source in places])
        states = self.model.get_encoder()(input_ids=ids, attention_mask=filled).last_hidden_state
        index = torch.tensor([places[source] for source in sources], device=self.device)
        return Encoded(states, filled, index)

    def decode(self, ids: Tensor, states: Tensor, filled: Tensor, cache: Any = None) -> Tensor:
        """Logits (B, T, V) of what follows each of the ids (B, T).

        Args:
            ids: after those that the cache has seen.
            states, filled: of the sources, a row each.
            cache: `cache()`, which is changed; None without.
        """
        from transformers.modeling_outputs import BaseModelOutput

        past = {} if cache is None else {self._cache: cache}
        logits: Tensor = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=filled,
            decoder_input_ids=ids,
            use_cache=cache is not None,
            **past,
        ).logits
        return logits

    def cache(self) -> Any:
        """An empty cache of the decoder; its `reorder_cache` takes the rows that go on."""
        from transformers import DynamicCache, EncoderDecoderCache

        return EncoderDecoderCache(DynamicCache(), DynamicCache())

    def allowed(self, logits: Tensor, closed: Sequence[bool]) -> Tensor:
        """Logits (N, V) with what may not be written barred.

        Args:
            logits: of the model.
            closed: of each, whether the sentence may end.
        """
        logits = logits.float() + self._bias
        shut = torch.tensor(closed, device=self.device)
        logits[:, self.subwords.eos] += torch.where(shut, 0.0, BARRED)
        return logits
