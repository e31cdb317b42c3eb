"""Text without sound: which batches there are, and what learning from them changes."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer

from simulst.train.listener.batches import IGNORED
from simulst.train.listener.losses import reading_loss
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.reading import ROUND, Texts
from simulst.train.listener.tokenizer import special_id

SENTENCES = {
    "tatoeba": [f"The {name} low tone is sweet." for name in ("first", "second", "third", "last")],
    "multi30k": ["A dark tone."],
}


def test_the_same_step_reads_the_same(tokenizer: Tokenizer) -> None:
    """Batches follow from seed and step, also when asked for out of turn."""
    first, other = Texts(SENTENCES, tokenizer, 400, 1), Texts(SENTENCES, tokenizer, 400, 1)
    batches = [first.batch(step) for step in range(2 * ROUND)]
    for step in (ROUND + 3, 0, ROUND - 1):
        assert torch.equal(other.batch(step).tokens, batches[step].tokens)
    assert any(
        not torch.equal(Texts(SENTENCES, tokenizer, 400, 2).batch(step).tokens, batch.tokens)
        for step, batch in enumerate(batches[:ROUND])
    )


def test_rows_are_neighbours_between_their_tokens(tokenizer: Tokenizer) -> None:
    """Rows begin as windows do, hold one to four neighbours, and end with the text."""
    source = Texts(SENTENCES, tokenizer, 400, 1)
    end = special_id(tokenizer, "<|endoftext|>")
    forced = [special_id(tokenizer, name) for name in ("<|startoftranscript|>", "<|notimestamps|>")]
    told: set[str] = set()
    for step in range(ROUND):
        batch = source.batch(step)
        assert batch.tokens.shape == batch.targets.shape and batch.tokens.numel() <= 400
        for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
            length = len(targets) - targets[::-1].index(end)
            assert tokens[:2] == forced and targets[0] == IGNORED
            assert targets[1 : length - 1] == tokens[2:length]
            assert set(targets[length:]) <= {IGNORED}
            told.add(tokenizer.decode(tokens[2:length]).strip())
    whole = [" ".join(texts) for texts in SENTENCES.values()]
    assert all(any(text in all_of_it for all_of_it in whole) for text in told)
    counts = {text.count(".") for text in told}
    assert counts == {1, 2, 3, 4}
    assert "A dark tone." in told


def test_reading_teaches_the_decoder_alone(tokenizer: Tokenizer) -> None:
    """What hears gets no gradient from text; what writes does, and reads better by it."""
    torch.manual_seed(1)
    model = Listener(Dimensions(tokenizer.get_vocab_size(), 64, 1, 1))
    source = Texts(SENTENCES, tokenizer, 400, 1)
    before = reading_loss(model, source.batch(0))
    torch.autograd.backward(before)
    for name, weight in model.named_parameters():
        hears = name.startswith(("encoder.", "ctc.", "phones.")) or "encoder_attn" in name
        assert (weight.grad is None) == (hears or not weight.requires_grad), name
    optimiser = torch.optim.Adam(model.decoder.parameters(), lr=3e-3)
    for step in range(1, 40):
        optimiser.zero_grad()
        torch.autograd.backward(reading_loss(model, source.batch(step)))
        optimiser.step()
    assert reading_loss(model, source.batch(0)).item() < 0.6 * before.item()
