"""Our weights in the two engines that the cached decoder is measured against.

M2M100's architecture is ours but for one thing: its encoder looks both ways. That changes what
is computed, not how much, so times compare while translations do not. With a source of one
token the two agree, which `difference` uses to check the copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.translate.model import WaitkTransformer, positions

__all__ = ["difference", "to_ctranslate2", "to_transformers"]

PAD, UNKNOWN, BOS, EOS = 0, 1, 2, 3
LONGEST = 512


def _copy(linear: Any, weight: Tensor, bias: Tensor) -> None:
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)


def _copy_attention(theirs: Any, inputs: nn.Linear, output: nn.Linear) -> None:
    names = ("q_proj", "k_proj", "v_proj")
    parts = zip(names, inputs.weight.chunk(3), inputs.bias.chunk(3), strict=True)
    for name, weight, bias in parts:
        _copy(getattr(theirs, name), weight, bias)
    _copy(theirs.out_proj, output.weight, output.bias)


def _copy_rest(theirs: Any, ours: Any) -> None:
    _copy_attention(theirs.self_attn, ours.attention.inputs, ours.attention.output)
    _copy(theirs.self_attn_layer_norm, ours.norm_attention.weight, ours.norm_attention.bias)
    _copy(theirs.fc1, ours.feedforward[0].weight, ours.feedforward[0].bias)
    _copy(theirs.fc2, ours.feedforward[3].weight, ours.feedforward[3].bias)
    _copy(theirs.final_layer_norm, ours.norm_feedforward.weight, ours.norm_feedforward.bias)


@torch.no_grad()
def to_transformers(model: WaitkTransformer) -> Any:
    """The weights as a `M2M100ForConditionalGeneration`."""
    load_torchaudio()  # transformers imports it, which fails beside a CPU-only torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    dim = model.dim
    theirs = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=dim.vocabulary,
            d_model=dim.width,
            encoder_layers=dim.encoder_layers,
            decoder_layers=dim.decoder_layers,
            encoder_attention_heads=dim.heads,
            decoder_attention_heads=dim.heads,
            encoder_ffn_dim=dim.feedforward,
            decoder_ffn_dim=dim.feedforward,
            max_position_embeddings=LONGEST,
            activation_function="relu",
            scale_embedding=True,
            pad_token_id=UNKNOWN,  # its positions start behind this id, where CTranslate2 cuts
            bos_token_id=BOS,
            eos_token_id=EOS,
            decoder_start_token_id=BOS,
        )
    ).eval()
    theirs.model.shared.weight.copy_(model.embedding.weight)
    table = positions(torch.arange(LONGEST), dim.width)
    for side in (theirs.model.encoder, theirs.model.decoder):
        side.embed_positions.weights[2 : 2 + LONGEST] = table
        side.embed_tokens.weight.copy_(model.embedding.weight)
    theirs.lm_head.weight.copy_(model.embedding.weight)
    for layer, ours in zip(theirs.model.encoder.layers, model.encoder, strict=True):
        _copy_rest(layer, ours)
    memory = model.source_memory
    weights = memory.weight.chunk(2 * dim.decoder_layers)
    biases = memory.bias.chunk(2 * dim.decoder_layers)
    for i, (layer, ours) in enumerate(zip(theirs.model.decoder.layers, model.decoder, strict=True)):
        _copy_rest(layer, ours)
        decoder: Any = ours
        _copy(layer.encoder_attn.q_proj, decoder.source_query.weight, decoder.source_query.bias)
        _copy(layer.encoder_attn.k_proj, weights[2 * i], biases[2 * i])
        _copy(layer.encoder_attn.v_proj, weights[2 * i + 1], biases[2 * i + 1])
        _copy(layer.encoder_attn.out_proj, decoder.source_output.weight, decoder.source_output.bias)
        norm = decoder.norm_source
        _copy(layer.encoder_attn_layer_norm, norm.weight, norm.bias)
    _copy(theirs.model.encoder.layer_norm, model.encoder_norm.weight, model.encoder_norm.bias)
    _copy(theirs.model.decoder.layer_norm, model.decoder_norm.weight, model.decoder_norm.bias)
    return theirs


def to_ctranslate2(theirs: Any, folder: Path) -> Any:
    """The same as a `ctranslate2.Translator` in int8 on one thread; tokens are ids as text."""
    import ctranslate2
    from ctranslate2.converters.transformers import M2M100Loader

    with torch.no_grad():
        spec = M2M100Loader().get_model_spec(theirs)
    tokens = [f"t{i}" for i in range(theirs.config.vocab_size)]
    tokens[: EOS + 1] = ["<pad>", "<unk>", "<s>", "</s>"]
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    spec.config.decoder_start_token = "<s>"
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    return ctranslate2.Translator(
        str(folder), compute_type="int8", inter_threads=1, intra_threads=1
    )


@torch.no_grad()
def difference(model: WaitkTransformer, theirs: Any) -> float:
    """Largest difference of logits for a source of one token and a target of four."""
    source, target = torch.tensor([[7]]), torch.tensor([[BOS, 9, 11, 13]])
    ours = model(source, target, torch.ones_like(target), torch.ones_like(target, dtype=torch.bool))
    logits = theirs(input_ids=source, decoder_input_ids=target).logits[0]
    return float((ours - logits).abs().max())
