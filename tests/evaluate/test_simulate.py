"""The policy over parallel text, word by word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulst.accept import rules
from simulst.config import Config
from simulst.corpus import Pair
from simulst.evaluate.simulate import Simulation, simulate
from simulst.translate.policy import Policy
from tests import fakes
from tests.evaluate.fakes import ShoutingTranslator

CONFIG = Config()


def policy(translator: ShoutingTranslator, **accept: object) -> Policy:
    """The real policy over a fake translator."""
    settings = replace(CONFIG.accept, **accept)  # type: ignore[arg-type]
    return Policy(translator, rules.build(settings), settings, CONFIG.translate)


def run(
    *sources: str, space: str = " ", batch: int = 2, patience: int = 2, **accept: object
) -> Simulation:
    """Simulate over sentences without references of interest."""
    pairs = [Pair(source, "egal") for source in sources]
    translator = ShoutingTranslator(space, patience)
    return simulate(policy(translator, **accept), pairs, space, batch=batch)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_delays_of_wait_k_follow_its_schedule(k: int) -> None:
    """Unit t of wait-k is written when min(k + t - 1, |x|) words have been read."""
    found = run("a b c d e f", "a b", rule="wait-k", k_min=k, k_max=k).instances
    assert found[0].delays == tuple(min(k + t, 6) for t in range(6))
    assert found[1].delays == tuple(min(k + t, 2) for t in range(2))


def test_instances_keep_the_order_of_the_pairs() -> None:
    """Sorting by length for the batch is undone in the result."""
    sources = ("a b c d", "a", "b c d", "e", "f g")
    found = run(*sources, rule="wait-k").instances
    assert [instance.source for instance in found] == list(sources)
    assert [instance.prediction for instance in found] == [s.upper() for s in sources]
    assert [instance.source_length for instance in found] == [4, 1, 3, 1, 2]


def test_acceptance_and_holds_are_counted() -> None:
    """A doubtful word is held for as many READs as it takes to be believed."""
    # k_min=1, L=1: "?b" is drafted with 3 words read, believed with 5; then "c d" follow
    found = run("a ?b c d e f", patience=3, k_min=1, k_max=9)
    assert found.instances[0].delays[:4] == (2, 5, 5, 5)
    assert (found.holds, found.held, found.mean_hold) == (1, 2, 2)
    assert found.judged - found.accepted == 2
    assert found.acceptance == found.accepted / found.judged


def test_a_hold_is_forced_open_at_k_max() -> None:
    """What is never believed is written at k_max and counted as forced."""
    found = run("a ?b c d e f g h", patience=99, k_min=1, k_max=3)
    assert found.forced >= 1
    assert (found.holds, found.held) == (1, 1)  # with 3 words read; forced with 4
    assert found.instances[0].delays[1] == 4


def test_nothing_judged_means_no_acceptance() -> None:
    """wait-k judges no token, so it has no acceptance rate."""
    found = run("a b c", rule="wait-k")
    assert (found.judged, found.acceptance, found.mean_hold) == (0, None, None)


def test_a_mute_sentence_stays_empty() -> None:
    """A sentence without translation keeps its place with an empty prediction."""
    found = run("mute a b", "a b", rule="wait-k")
    assert (found.instances[0].prediction, found.instances[0].delays) == ("", ())
    assert found.units == 2


def test_pieces_of_several_characters_have_a_delay_for_each() -> None:
    """Without spaces the units are characters, however many a WRITE brings."""
    found = run("ab c", space="", rule="wait-k", k_min=1, k_max=1).instances[0]
    assert (found.prediction, found.delays, found.character) == ("ABC", (1, 1, 2), True)


def test_progress_counts_sentences_to_the_end() -> None:
    """The progress rises to the number of sentences."""
    seen: list[int] = []
    pairs = [Pair("a b", "x"), Pair("c", "x"), Pair("d e f", "x")]
    simulate(policy(ShoutingTranslator(), rule="wait-k"), pairs, batch=2, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 3


def test_a_sentence_does_not_depend_on_its_neighbours() -> None:
    """The real translator gives the same words and delays alone and in a batch, draws included."""
    accept = replace(CONFIG.accept, deterministic=False, m=1.5)
    pairs = [Pair(source, "x") for source in fakes.SENTENCES[::2]]
    results = [
        simulate(
            Policy(fakes.translator(), rules.build(accept), accept, CONFIG.translate, seed=3),
            pairs,
            batch=batch,
        )
        for batch in (1, 3)
    ]
    assert results[0].instances == results[1].instances
    assert results[0].judged > 0
