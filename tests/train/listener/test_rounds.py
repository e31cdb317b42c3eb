"""Rounds: the same whoever draws them, in turn, and given again after a stop."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer

from simulst.train.listener.rounds import Order, RoundSource


def orders(count: int) -> list[Order]:
    """Orders of small rounds over the test corpus."""
    return [
        Order(
            seed=3,
            number=number,
            batches=2,
            batch_s=4.0,
            longest_s=4.0,
            change=0.5,
            labelled=False,
            padded_share=0.0,
            taught_share=1.0,
            shards=("speech-0000",),
            aligned=(),
        )
        for number in range(count)
    ]


def test_processes_draw_the_same_rounds(corpus_folder: Path, tokenizer: Tokenizer) -> None:
    """What another process drew ahead is what this one would have drawn, in the same order."""
    sources = []
    for processes in (0, 1):
        give = iter(orders(8)).__next__
        sources.append(RoundSource(corpus_folder, tokenizer, give, processes=processes))
    here, there = sources
    for number in range(2):
        (order, batches), (other, drawn) = here.next_round(), there.next_round()
        assert order.number == other.number == number
        assert len(batches) == len(drawn) > 0
        for one, two in zip(batches, drawn, strict=True):
            torch.testing.assert_close(one.mel, two.mel, rtol=0, atol=0)
            torch.testing.assert_close(one.clean, two.clean, rtol=0, atol=0)
            assert one.targets.tolist() == two.targets.tolist()
    assert not here.unused and there.unused  # only the other draws ahead
    there.close()


def test_unused_orders_are_given_again(corpus_folder: Path, tokenizer: Tokenizer) -> None:
    """A source that goes on begins with the orders that were left, then makes new ones."""
    fresh = orders(6)
    source = RoundSource(corpus_folder, tokenizer, lambda: fresh[5])
    source.give_again(fresh[1:3])
    assert [source.next_round()[0].number for _ in range(3)] == [1, 2, 5]
