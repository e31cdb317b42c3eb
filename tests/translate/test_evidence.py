"""What learned evidence reads of a draft, and what it makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from simulst.errors import ModelError
from simulst.protocols import Prefix, Request
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.evidence import NUMBERS, EvidenceHead
from simulst.types import Draft
from tests.fakes import SENTENCES, expectant, translator

WORDS = tuple(SENTENCES[0].split())


def drafted(read: int, units: int, withheld: int = 1) -> tuple[Request, Draft]:
    """An open sentence and a draft of it; the cache holds what drafting computed."""
    model = translator()
    [(first, cache)] = model.draft([Request(WORDS[:2], False, Prefix())], [1], [None])
    prefix = Prefix(first.tokens, first.lengths, (2,))
    request = Request(WORDS[:read], False, prefix, withheld, cache)
    [(draft, cache)] = model.draft([request], [units], [None])
    return replace(request, withheld=0, cache=cache), draft


def test_the_numbers_are_what_they_are_called() -> None:
    """Each column equals what draft and score say, and the place of the token."""
    request, draft = drafted(5, 3)
    [seen] = translator().features([request], [draft])
    [(score, _)] = translator().score([request], [draft])
    width = translator().model.dim.width
    assert seen.shape == (len(draft.tokens), width + len(NUMBERS))
    columns = {name: seen[:, width + i].tolist() for i, name in enumerate(NUMBERS)}
    assert columns["log q"] == pytest.approx(draft.log_q, abs=1e-4)
    assert columns["log p"] == pytest.approx(score.log_p, abs=1e-4)
    change = [p - q for p, q in zip(score.log_p, draft.log_q, strict=True)]
    assert columns["log p - log q"] == pytest.approx(change, abs=1e-4)
    assert columns["entropy of q"] == pytest.approx(draft.entropy, abs=1e-4)
    assert columns["entropy of p"] == pytest.approx(score.entropy, abs=1e-3)
    best = [float(a == b) for a, b in zip(score.best, draft.tokens, strict=True)]
    assert columns["p's choice"] == best
    margins = columns["log p - log p of the best other token"]
    assert [float(margin >= 0) for margin in margins] == best
    starts = [float(j == 0) for length in draft.lengths for j in range(length)]
    assert columns["starts a unit"] == starts
    units = [unit for unit, length in enumerate(draft.lengths) for _ in range(length)]
    assert columns["words read beyond the units before it"] == [4.0 - unit for unit in units]
    assert set(columns["words read"]) == {5.0}
    assert set(columns["words withheld from q"]) == {1.0}
    assert columns["tokens before it in the draft"] == list(range(len(draft.tokens)))
    lowest = [min((0.0, *score.log_p[:i])) for i in range(len(draft.tokens))]
    assert columns["lowest log p before it in the draft"] == pytest.approx(lowest, abs=1e-4)


def test_expectations_are_those_of_the_head() -> None:
    """A score holds the sigmoid of the head's logits, and sharpening p does not touch them."""
    model = expectant()
    request, draft = drafted(4, 2)
    assert model.evidence is not None
    [seen] = model.features([request], [draft])
    with torch.no_grad():
        alphas = model.evidence(seen).sigmoid().tolist()
    for sharpness in (1.0, 16.0):
        [(score, _)] = model.score([request], [draft], sharpness)
        assert score.expected == pytest.approx(alphas, abs=1e-5)
    assert len(set(alphas)) > 1


def test_batched_equals_alone() -> None:
    """Rows of other lengths beside it and a cache change no expectation, to 1e-4."""
    model = expectant()
    rows = [drafted(3, 1), drafted(5, 4), drafted(7, 2, 0)]
    requests, drafts = [r for r, _ in rows], [d for _, d in rows]
    together = model.score(requests, drafts)
    for (score, _), request, draft in zip(together, requests, drafts, strict=True):
        [(alone, _)] = model.score([replace(request, cache=None)], [draft])
        assert score.expected == pytest.approx(alone.expected, abs=1e-4)


def test_nothing_is_expected_without_need() -> None:
    """A pack without evidence expects nothing, nor does any once the source is whole."""
    request, draft = drafted(4, 1)
    [(plain, _)] = translator().score([request], [draft])
    assert plain.expected is None
    whole = Request(WORDS, True, request.prefix)
    [(closed, _)] = expectant().score([whole], [draft])
    assert closed.expected is None
    assert expectant().features([], []) == []


def test_a_draft_knows_what_was_withheld() -> None:
    """A draft carries the L it was made with."""
    assert drafted(5, 1, 2)[1].withheld == 2


def test_a_head_of_another_width() -> None:
    """Evidence of another model is refused with both widths."""
    plain = translator()
    with pytest.raises(ModelError, match="width 64, the model's have 32"):
        WaitkTranslator(plain.model, plain.vocabulary, "en", "de", EvidenceHead(64))


def test_inputs_are_brought_to_one_scale() -> None:
    """Features a thousand times larger, seen as such in training, give the same logits."""
    torch.manual_seed(0)
    head = EvidenceHead(4, 8)
    seen = torch.randn(50, 4 + len(NUMBERS))
    head.normalise(seen)
    before = head(seen)
    head.normalise(1000 * seen)
    assert torch.allclose(head(1000 * seen), before, atol=1e-4)
