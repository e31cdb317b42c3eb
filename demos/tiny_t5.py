"""A T5 so small that it learns on one core in minutes, as a folder of transformers."""

from __future__ import annotations

from pathlib import Path

from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.rsft.opening import open_policy
from simulst.rsft.stages import StageFile
from simulst.rsft.talks import Sentence
from simulst.rsft.training import Learning, Schooling

__all__ = ["create"]

SIZES = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 1, "num_heads": 4}
SPECIAL = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
STARTS = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}


def create(folder: Path, pairs: list[Sentence], steps: int, subwords: int = 900) -> None:
    """Write one with subwords of its own, that has learnt from pairs for so many steps."""
    load_torchaudio()  # transformers imports it, and it may not load by itself
    import tokenizers
    import transformers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Metaspace(), tokenizers.pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=subwords, special_tokens=[*SPECIAL.values()], show_progress=False
    )
    texts = (text for pair in pairs for text in (pair.source, pair.reference))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", STARTS["eos_token_id"])]
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    settings = transformers.T5Config(
        vocab_size=len(fast), feed_forward_proj="gated-gelu", **SIZES, **STARTS
    )
    transformers.set_seed(0)
    transformers.utils.logging.disable_progress_bar()
    transformers.T5ForConditionalGeneration(settings).save_pretrained(folder)
    fast.save_pretrained(folder)

    path = folder / "school" / "pairs.jsonl"
    with StageFile(path, {"stage": "accepted"}) as file:
        for i, pair in enumerate(pairs):
            file.append({"id": i, "source": pair.source, "reference": pair.reference})
    policy = open_policy(f"hf:{folder}")
    learning = Learning(
        steps, 300, 6e-3, warmup=100, accepted_share=0.0, smoothing=0.0, pull=0.0, lags=(0,)
    )
    Schooling(policy, None, path, learning, path.parent).run(lambda done: None)
    policy.save(folder, {})
