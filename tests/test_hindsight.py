"""Drafts of a session and their acceptance by the whole source."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from simulst.errors import ConfigError, ModelError
from simulst.hindsight import Observation, Rehearsal, observe
from simulst.protocols import Prefix, Request
from simulst.types import Draft
from tests.evaluate.fakes import DOUBTFUL, SURE, ShoutingTranslator
from tests.fakes import SENTENCES, ToyTranslator, translator

SOURCES = SENTENCES[::2]
Seen = Observation[Request]


def keep(requests: Sequence[Request], drafts: Sequence[Draft]) -> Sequence[Request]:
    """Look at nothing but the request."""
    return requests


def watch(model: object, sources: Sequence[str] = SOURCES, **settings: object) -> list[Seen]:
    """Observe with the given settings."""
    rehearsal = Rehearsal(**settings)  # type: ignore[arg-type]
    return observe(model, sources, keep, rehearsal)  # type: ignore[arg-type]


@pytest.mark.parametrize("sharpness", [1.0, 4.0, math.inf])
def test_alpha_is_the_ratio_at_full_source(sharpness: float) -> None:
    """Each alpha is min(1, P / q) of a fresh pass over the whole sentence, or P's agreement."""
    model = translator()
    found = watch(model, sharpness=sharpness, ks=(1, 2, 3))
    assert len(found) > 10
    for seen in found:
        prefix = seen.view.prefix
        source = tuple(SOURCES[seen.sentence].split())
        whole = Prefix(prefix.tokens, prefix.lengths, (len(source) + 1,) * len(prefix.lengths))
        beta = sharpness if sharpness < math.inf else 1.0
        [(score, _)] = model.score([Request(source, True, whole)], [seen.draft], beta)
        for i, alpha in enumerate(seen.alpha):
            expected = min(1.0, math.exp(score.log_p[i] - seen.draft.log_q[i]))
            if sharpness == math.inf:
                expected = float(score.best[i] == seen.draft.tokens[i])
            assert alpha == pytest.approx(expected, abs=1e-3)


def test_nothing_after_a_rejection() -> None:
    """Alphas are followed up to the first below one half; all before it are above."""
    found = watch(translator(), sharpness=math.inf)
    assert any(len(seen.alpha) < len(seen.draft.tokens) for seen in found)
    for seen in found:
        assert all(alpha >= 0.5 for alpha in seen.alpha[:-1])
        if len(seen.alpha) < len(seen.draft.tokens):
            assert seen.alpha[-1] < 0.5


def test_drafts_are_those_of_a_session() -> None:
    """Requests are open, leave the lag its room, and drafts repeat from their request."""
    model = translator()
    found = watch(model, ks=(2,), lookbacks=(0, 1), width=2)
    assert {seen.draft.withheld for seen in found} == {0, 1}
    for seen in found:
        request, draft = seen.view, seen.draft
        lag = len(request.source) - len(request.prefix.lengths)
        assert not request.closed and len(request.source) < len(SOURCES[seen.sentence].split())
        # what came after the write at k_max = 4 leaves a lag of at most 4 before the next word
        assert 2 <= lag <= 4 and len(draft.units) == lag - 1
        bare = Request(request.source, False, request.prefix, draft.withheld)
        [(again, _)] = model.draft([bare], [len(draft.units)], [None])
        assert again.tokens == draft.tokens


def test_the_batch_changes_nothing() -> None:
    """Sentences side by side are observed as alone; another seed takes other turns."""
    model = translator()

    def facts(seen: list[Seen]) -> list[tuple[object, ...]]:
        return [(o.sentence, o.draft.tokens, len(o.alpha), o.view.source) for o in seen]

    together = watch(model, lookbacks=(0, 1))
    alone = observe(model, SOURCES, keep, Rehearsal(lookbacks=(0, 1)), batch=1)
    assert facts(together) == facts(alone)
    assert facts(together) != facts(watch(model, lookbacks=(0, 1), seed=5))


def test_a_teacher_decides() -> None:
    """With a teacher of its own the ratio is that of the teacher's P."""
    ours, found = ShoutingTranslator(), []
    teacher = ShoutingTranslator(patience=99)
    for judge in (None, teacher):
        rehearsal = Rehearsal(ks=(1,), lookbacks=(0,))
        found.append(observe(ours, ["a ?b c d"], keep, rehearsal, teacher=judge))
    assert all(alpha == 1 for seen in found[0] for alpha in seen.alpha)
    doubts = [seen.alpha[-1] for seen in found[1] if 1 in seen.draft.tokens]
    assert doubts == pytest.approx([math.exp(DOUBTFUL - SURE)] * len(doubts))
    assert doubts


def test_a_teacher_needs_the_same_subwords() -> None:
    """A teacher with another vocabulary is refused."""
    other = ToyTranslator([1, 0, 0], [1, 0, 0])
    with pytest.raises(ModelError, match="same subwords"):
        observe(translator(), SOURCES, keep, Rehearsal(), teacher=other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ks": ()}, "k is"),
        ({"ks": (0,)}, "1 or more"),
        ({"lookbacks": (-1,)}, "0 or more"),
        ({"drawn": 1.5}, "in \\[0, 1\\]"),
        ({"sharpness": 0.0}, "above 0"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    """What cannot be rehearsed is refused."""
    with pytest.raises(ConfigError, match=message):
        Rehearsal(**settings)  # type: ignore[arg-type]
