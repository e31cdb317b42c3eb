"""From a checkpoint to a pack that faster-whisper loads: int8, tokenizer, manifest.

The way leads through transformers' WhisperForConditionalGeneration and CTranslate2's own
converter. Timestamp rows, never trained, are filled with a row that training has taught to be
unlikely.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.errors import ConfigError
from simulst.packs import write_manifest
from simulst.train.listener.features import MELS, SAMPLE_RATE
from simulst.train.listener.layers import GUIDED_HEADS
from simulst.train.listener.model import MAX_FRAMES, MAX_TOKENS, Listener
from simulst.train.listener.tokenizer import TIMESTAMPS, load_tokenizer, special_id

__all__ = ["export_pack"]

PREPROCESSOR = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": MELS,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 30 * SAMPLE_RATE,
    "nb_max_frames": 2 * MAX_FRAMES,
    "padding_side": "right",
    "padding_value": 0.0,
    "sampling_rate": SAMPLE_RATE,
}


def export_pack(
    model: Listener,
    tokenizer_file: Path,
    folder: Path,
    *,
    alignment_heads: list[tuple[int, int]] | None = None,
    fields: dict[str, Any] | None = None,
) -> Path:
    """Writes a pack.

    Args:
        model: float32, trained.
        tokenizer_file: `tokenizer.json` of the model.
        folder: becomes the pack; files in it are replaced, a CARD.md stays.
        alignment_heads: (decoder layer, head) whose attention gives word times; by default the
            heads that were taught where to look.
        fields: for the manifest, beside the usual ones.

    Raises:
        ConfigError: transformers is not installed.
    """
    with suppress(ImportError):
        load_torchaudio()  # transformers imports it where it is installed, and it may not load
    try:
        import transformers
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise ConfigError(
            f"exporting a pack needs {error.name}: pip install simulst[train]"
        ) from error
    sizes = model.sizes
    tokenizer = load_tokenizer(tokenizer_file)

    def special(token: str) -> int:
        return special_id(tokenizer, token)

    heads = alignment_heads or [
        (layer, head)
        for layer in range(sizes.decoder_layers)
        for head in range(min(GUIDED_HEADS, sizes.heads))
    ]
    config = transformers.WhisperConfig(
        vocab_size=sizes.vocabulary + TIMESTAMPS,
        num_mel_bins=MELS,
        d_model=sizes.width,
        encoder_layers=sizes.encoder_layers,
        decoder_layers=sizes.decoder_layers,
        encoder_attention_heads=sizes.heads,
        decoder_attention_heads=sizes.heads,
        encoder_ffn_dim=sizes.inner,
        decoder_ffn_dim=sizes.inner,
        max_source_positions=MAX_FRAMES,
        max_target_positions=MAX_TOKENS,
        pad_token_id=special("<|endoftext|>"),
        bos_token_id=special("<|endoftext|>"),
        eos_token_id=special("<|endoftext|>"),
        decoder_start_token_id=special("<|startoftranscript|>"),
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    whisper = transformers.WhisperForConditionalGeneration(config)
    missing, unexpected = whisper.load_state_dict(_renamed(model, special("<|startoflm|>")), False)
    assert not unexpected and set(missing) <= {"proj_out.weight"}, (missing, unexpected)
    whisper.tie_weights()
    whisper.generation_config = transformers.GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[],
        alignment_heads=[list(pair) for pair in heads],
        lang_to_id={"<|en|>": special("<|en|>")},
        decoder_start_token_id=special("<|startoftranscript|>"),
        eos_token_id=special("<|endoftext|>"),
        pad_token_id=special("<|endoftext|>"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whisper.save_pretrained(scratch)
        tokenizer.save(str(Path(scratch) / "tokenizer.json"))
        _write_json(
            Path(scratch) / "tokenizer_config.json",
            {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"},
        )
        converted = Path(scratch) / "converted"
        TransformersConverter(scratch).convert(str(converted), quantization="int8")
        for file in converted.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    write_manifest(
        folder,
        kind="asr",
        fields={
            "languages": ["en"],
            "window": "variable",
            "sample_rate": SAMPLE_RATE,
            "vocabulary": sizes.vocabulary,
            "parameters": model.parameter_count(),
            "license": "Apache-2.0",
        }
        | (fields or {}),
    )
    return folder


def _renamed(model: Listener, unlikely: int) -> dict[str, Tensor]:
    """The state of `model` under transformers' names, with rows for the timestamps."""
    state = {
        f"model.{name}": weight.detach().float()
        for name, weight in model.state_dict().items()
        if name.startswith(("encoder.", "decoder."))
    }
    rows = state["model.decoder.embed_tokens.weight"]
    filler = rows[unlikely].expand(TIMESTAMPS, -1)
    state["model.decoder.embed_tokens.weight"] = torch.cat([rows, filler])
    return state


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
