"""A tiny Whisper with random weights, saved as CTranslate2 saves one; its words mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperSpec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TEXTS = ("Good morning, and welcome to our small conference.", "I went to the city.")


WIDTH = 64


def build(folder: Path, *, multilingual: bool = False, silent: bool = False) -> Path:
    """Write the model to `folder`, without a manifest.

    Args:
        folder: is made.
        multilingual: CTranslate2 goes by whether the vocabulary has the empty token.
        silent: the model ends its text wherever it may, and its settings forbid it at the start.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS])
    pieces = [str(tokenizer.id_to_token(i)) for i in range(tokenizer.get_vocab_size())]
    if multilingual:
        pieces[0] = ""
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    spec = _random_spec(len(pieces) + len(times), np.random.default_rng(1))
    spec.register_vocabulary([*pieces, *times])
    spec.config.suppress_ids = []
    end = tokenizer.token_to_id("<|endoftext|>")
    spec.config.suppress_ids_begin = [end] if silent else []
    if silent:
        spec.decoder.projection.bias = np.zeros(len(pieces) + len(times), np.float32)
        spec.decoder.projection.bias[end] = 1000.0
    spec.config.lang_ids = [tokenizer.token_to_id("<|en|>")]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _random_spec(vocabulary: int, rng: np.random.Generator) -> Any:
    def random(*shape: int) -> Any:
        return rng.normal(0.0, 0.3, shape).astype(np.float32)

    def linear(layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = random(rows, columns), random(rows)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def attention(layer: Any, parts: tuple[int, ...]) -> None:
        norm(layer.layer_norm)
        for row, times in enumerate(parts):
            linear(layer.linear[row], times * WIDTH, WIDTH)

    spec = WhisperSpec(1, 1, 1, 1)
    for conv, channels in ((spec.encoder.conv1, 80), (spec.encoder.conv2, WIDTH)):
        conv.weight, conv.bias = random(WIDTH, channels, 3), random(WIDTH)
    for side, positions in ((spec.encoder, 1500), (spec.decoder, 448)):
        side.position_encodings.encodings = random(positions, WIDTH)
        norm(side.layer_norm)
        layer = side.layer[0]
        attention(layer.self_attention, (3, 1))
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, WIDTH, WIDTH)
        linear(layer.ffn.linear_1, WIDTH, WIDTH)
    attention(spec.decoder.layer[0].attention, (1, 2, 1))
    spec.decoder.embeddings.weight = random(vocabulary, WIDTH)
    spec.decoder.projection.weight = random(vocabulary, WIDTH)
    return spec
