"""Tiny models of transformers with random weights and real subwords, as folders."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch

from simulst.audio.torchaudio_shim import load_torchaudio
from tests.fakes import SENTENCES

__all__ = ["bart", "m2m100", "marian", "nllb", "t5", "transformers"]

SIZES = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 96,
    "init_std": 0.4,  # sharp enough to have opinions
}


def transformers() -> Any:
    """The package; what needs it is skipped without."""
    load_torchaudio()  # transformers imports it, and it may not load by itself
    return pytest.importorskip("transformers", reason="transformers is not installed")


@cache
def pieces() -> tuple[bytes, tuple[tuple[str, float], ...]]:
    """A SentencePiece model learnt from the shared sentences, and its pieces with their scores."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=out,
        vocab_size=140,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    found = [(model.id_to_piece(i), model.get_score(i)) for i in range(3, model.get_piece_size())]
    return out.getvalue(), tuple(found)


def _files(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(pieces()[0])
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))


def _save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def marian(folder: Path, seed: int = 0, target: str = "de", marks: tuple[str, ...] = ()) -> Path:
    """A Marian from English to German, as opus-mt models are made.

    Args:
        folder: is made.
        seed: of the weights.
        target: its language, or a group's name.
        marks: of the target languages of a group, as ">>fra<<".
    """
    package = transformers()
    names = ["</s>", "<unk>", *marks, *(name for name, _ in pieces()[1]), "<pad>"]
    _files(folder, names)
    files = [str(folder / name) for name in ("source.spm", "target.spm", "vocab.json")]
    tokenizer = package.MarianTokenizer(*files, source_lang="en", target_lang=target)
    torch.manual_seed(seed)
    pad = len(names) - 1
    settings = package.MarianConfig(
        vocab_size=len(names),
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=0,
        bos_token_id=None,
        forced_eos_token_id=0,
        scale_embedding=True,
        **SIZES,
    )
    return _save(folder, package.MarianMTModel(settings), tokenizer)


def m2m100(folder: Path, seed: int = 0) -> Path:
    """An M2M100 of a hundred languages; its tokenizer names none of them as the target."""
    package = transformers()
    names = ["<s>", "<pad>", "</s>", "<unk>", *(name for name, _ in pieces()[1])]
    _files(folder, names)
    tokenizer = package.M2M100Tokenizer(
        str(folder / "vocab.json"), str(folder / "source.spm"), src_lang="en"
    )
    torch.manual_seed(seed)
    settings = package.M2M100Config(
        vocab_size=max(tokenizer.id_to_lang_token) + 1 + tokenizer.num_madeup_words,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        **SIZES,
    )
    return _save(folder, package.M2M100ForConditionalGeneration(settings), tokenizer)


def nllb(folder: Path, seed: int = 0) -> Path:
    """An NLLB, whose languages are named as FLORES-200 does; it has byte-pair subwords."""
    package = transformers()
    vocabulary, merges = _byte_pairs()
    tokenizer = package.NllbTokenizer(
        vocab=vocabulary,
        merges=merges,
        extra_special_tokens=["eng_Latn", "deu_Latn", "fra_Latn", "zho_Hans", "zho_Hant"],
    )
    torch.manual_seed(seed)
    settings = package.M2M100Config(
        vocab_size=len(tokenizer),
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        **SIZES,
    )
    return _save(folder, package.M2M100ForConditionalGeneration(settings), tokenizer)


@cache
def _byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Subwords as of NLLB, with the merges that make them."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers

    learnt = tokenizers.Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    learnt.train_from_iterator(SENTENCES, trainer)
    model = json.loads(learnt.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def bart(folder: Path, seed: int = 0) -> Path:
    """A BART, whose positions are learnt and whose targets begin with <s> by its settings."""
    package = transformers()
    tokenizer = _tokenizer("<s>", "<pad>", "</s>", "<unk>")
    torch.manual_seed(seed)
    settings = package.BartConfig(
        vocab_size=len(tokenizer),
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_bos_token_id=0,
        **SIZES,
    )
    return _save(folder, package.BartForConditionalGeneration(settings), tokenizer)


def t5(folder: Path, seed: int = 0) -> Path:
    """A T5 that wants a prompt, with rows beyond its subwords, as t5-small has them."""
    package = transformers()
    tokenizer = _tokenizer("<pad>", "</s>", "<unk>")
    torch.manual_seed(seed)
    settings = package.T5Config(
        vocab_size=len(tokenizer) + 5,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        initializer_factor=1.5,
        task_specific_params={"translation_en_to_de": {"prefix": "good friend: "}},
    )
    return _save(folder, package.T5ForConditionalGeneration(settings), tokenizer)


def _tokenizer(*special: str) -> Any:
    """A tokenizer of the `tokenizers` package with the same pieces; ends sentences with </s>."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors

    unigram = models.Unigram(
        [*((name, 0.0) for name in special), *pieces()[1]], special.index("<unk>")
    )
    tokenizer = tokenizers.Tokenizer(unigram)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    end = ("</s>", special.index("</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[end])
    return transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
