"""Watching a training: readings of the held-out shards, words by the CTC head."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer

from simulst.train.listener.corpus import Corpus
from simulst.train.listener.features import log_mel, write_shard
from simulst.train.listener.losses import loss_of
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.monitor import read_gauges
from simulst.train.listener.rounds import draw_round
from tests.train.listener.conftest import TEXTS, tones
from tests.train.listener.test_rounds import orders


def test_a_model_that_learned_reads_better(corpus_folder: Path, tokenizer: Tokenizer) -> None:
    """Each held-out shard gets its reading, and training brings every figure down."""
    rows = [{"text": text, "talk": 0, "voice": "tones"} for text in TEXTS]
    for name in ("dev-one", "dev-two"):
        write_shard(corpus_folder / f"{name}.npy", [log_mel(tones(t)) for t in TEXTS], rows)
    torch.manual_seed(1)
    model = Listener(Dimensions(tokenizer.get_vocab_size(), 64, 1, 1))
    before = read_gauges(corpus_folder, model, tokenizer)
    assert [reading.name for reading in before] == ["one", "two"]
    assert before[0].words > 0.9 and before[0].imitation == 0.0
    corpus = Corpus(corpus_folder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for order in orders(60):
        for batch in draw_round(order, corpus, tokenizer):
            loss_of(model, batch).total.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()
    after = read_gauges(corpus_folder, model, tokenizer)[0]
    assert after.token < before[0].token and after.letter < before[0].letter
    assert after.letters < before[0].letters
