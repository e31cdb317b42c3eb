"""Training: it learns two sentences, resumes at its step, and its pack runs both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from simulst.errors import ModelError
from simulst.packs import open_pack
from simulst.train.listener.batches import make_batch
from simulst.train.listener.export import export_pack, read_average
from simulst.train.listener.features import log_mel
from simulst.train.listener.loop import Plan, Trainer
from simulst.train.listener.losses import loss_of
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.windows import Corpus, Window
from tests.train.listener.conftest import TEXTS, tones


def trainer(folder: Path, tokenizer: Tokenizer, width: int = 64) -> Trainer:
    """A tiny model that would train eight steps."""
    sizes = Dimensions(tokenizer.get_vocab_size(), width, 1, 1)
    plan = Plan(sizes, hours=9.0, steps=8, batch_s=6.0, round_batches=2, seed=5)
    return Trainer(plan, Corpus(folder), tokenizer)


def test_training_resumes_at_the_same_step(
    corpus_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Stopped and resumed, it takes the steps that it would have taken in one go."""
    whole = trainer(corpus_folder, tokenizer)
    for _ in range(2):
        list(whole.learn_round())
    half = trainer(corpus_folder, tokenizer)
    list(half.learn_round())
    half.save(tmp_path)
    rest = trainer(corpus_folder, tokenizer)
    assert rest.resume(tmp_path) and rest.step == half.step > 0
    list(rest.learn_round())
    assert rest.step == whole.step and rest.round == whole.round
    for name, weight in whole.weights.masters.items():
        torch.testing.assert_close(rest.weights.masters[name], weight)


def test_another_size_is_refused(corpus_folder: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A checkpoint of other sizes is not loaded by halves."""
    trainer(corpus_folder, tokenizer).save(tmp_path)
    with pytest.raises(ModelError, match="--work"):
        trainer(corpus_folder, tokenizer, width=128).resume(tmp_path)


def test_the_budget_ends_training(
    corpus_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Training stops at its budget, reports, and leaves a checkpoint."""
    lines: list[str] = []
    run = trainer(corpus_folder, tokenizer)
    run.train(tmp_path, lines.append)
    _, state = read_average(tmp_path / "checkpoint.pt")
    assert state["step"] == run.step == 8 and "step 8" in lines[-1]


def test_two_sentences_are_learned_and_heard_both_ways(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """A tiny model overfits, exports, and hears its sentences windowed and padded."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    from simulst.train.listener.evaluation import Recogniser

    torch.manual_seed(1)
    model = Listener(Dimensions(tokenizer.get_vocab_size(), 64, 1, 1))
    audios = [tones(text) for text in TEXTS[:2]]
    windows = [
        Window(mel, np.full(len(mel), -1, np.int8), text)
        for text, mel in zip(TEXTS, (log_mel(audio).T for audio in audios), strict=False)
    ]
    short = make_batch(windows, tokenizer, 120, zeros=True)
    padded = make_batch(windows, tokenizer, 3000, zeros=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(220):
        losses = loss_of(model, padded if step % 4 == 3 else short)
        losses.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    vocabulary = tmp_path / "tokenizer.json"
    tokenizer.save(str(vocabulary))
    pack = export_pack(model, vocabulary, tmp_path / "pack")
    assert open_pack(pack, "asr").fields["window"] == "variable"
    recogniser = Recogniser(pack)
    assert [recogniser.windowed(audio) for audio in audios] == TEXTS[:2]
    assert [recogniser.padded(audio) for audio in audios] == TEXTS[:2]
