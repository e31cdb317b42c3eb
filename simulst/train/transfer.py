"""Weights for a new language pair from those of another.

A child model takes over the layers of its parent and learns on (Zoph et al. 2016); with the same
source language the encoder knows its work already. The vocabularies differ: a subword that both
have keeps its vector, and one that only the child has begins as the mean of the vectors of the
parent's subwords that spell it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from simulst.translate.vocabulary import BOUNDARY

if TYPE_CHECKING:
    from simulst.translate.decoding import WaitkTranslator
    from simulst.translate.vocabulary import Vocabulary

__all__ = ["inherit"]


def inherit(parent: WaitkTranslator, vocabulary: Vocabulary) -> tuple[dict[str, torch.Tensor], int]:
    """A start for a model of the parent's sizes but with other subwords.

    Args:
        parent: the model to learn on from.
        vocabulary: of the child.

    Returns:
        Weights by name, and how many subwords kept their vector.
    """
    spelt = parent.vocabulary
    known = {spelt.piece(i): i for i in range(spelt.size)}
    weights = dict(parent.model.state_dict())
    name = next(name for name in weights if name.startswith("embedding"))
    rows, kept = [], 0
    for number in range(vocabulary.size):
        piece = vocabulary.piece(number)
        kept += piece in known
        spelling = [known[piece]] if piece in known else _spelling(spelt, piece)
        rows.append(weights[name][spelling].mean(0))
    weights[name] = torch.stack(rows)
    return weights, kept


def _spelling(vocabulary: Vocabulary, piece: str) -> list[int]:
    """How another vocabulary spells a piece; its end of word only where the piece has one."""
    ids = list(vocabulary.encode_words([piece.removesuffix(BOUNDARY)])[0])
    if not piece.endswith(BOUNDARY) and len(ids) > 1 and vocabulary.piece(ids[-1]) == BOUNDARY:
        del ids[-1]
    return ids or [vocabulary.unknown]
