"""What the server says on our own wire, which `simulst.server.wire.own` describes."""

from __future__ import annotations

import json
from dataclasses import asdict

from simulst.server.wire.base import Given, Opened
from simulst.server.wire.sentences import ms
from simulst.types import Emission, SentenceEnd, Verdict, Word

__all__ = ["event", "opened", "update"]


def event(kind: str, **fields: object) -> str:
    """A message."""
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


def opened(news: Opened, tagged: bool) -> str:
    """The session is there.

    Args:
        news: of it.
        tagged: the client reads which language an event is about.
    """
    more = {"to": [news.target, *news.more]} if tagged else {}
    offers = {"offers": list(news.offers)} if len(news.offers) > 1 else {}
    return event(
        "opened",
        session=news.session,
        source=news.source,
        target=news.target,
        taken=news.taken,
        resumed=news.resumed,
        follow=news.follow,
        at_ms=news.at_ms,
        **more,
        **offers,
    )


def update(given: Given, verdicts: bool, tagged: bool = False) -> tuple[str, ...]:
    """What became final in a step; nothing where nothing did.

    Args:
        given: by the engine.
        verdicts: they are wanted.
        tagged: so is the language.
    """
    fields = {
        "words": [_word(item) for item in given.update.committed],
        "emissions": [_emission(unit) for unit in given.update.emissions],
        "verdicts": [_verdict(each) for each in given.update.verdicts if verdicts],
    }
    filled: dict[str, object] = {name: values for name, values in fields.items() if values}
    if not filled:
        return ()
    about = {"language": given.target} if tagged else {}
    return (event("update", number=given.number, **about, at_ms=given.at_ms, **filled),)


def _word(item: Word | SentenceEnd) -> dict[str, object]:
    if isinstance(item, SentenceEnd):
        return {"sentence_end_ms": ms(item.at)}
    times = {"start_ms": ms(item.start), "end_ms": ms(item.end)}
    return {"text": item.text, **times, "probability": round(item.probability, 4)}


def _emission(unit: Emission) -> dict[str, object]:
    fields: dict[str, object] = {
        "index": unit.index,
        "sentence": unit.sentence,
        "text": unit.text,
        "space": unit.space,
        "delay_ms": ms(unit.delay),
        "spoken_ms": ms(unit.spoken),
        "reason": unit.reason.value,
    }
    if unit.elapsed is not None:
        fields["elapsed_ms"] = ms(unit.elapsed)
    return fields


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {**asdict(verdict), "reason": verdict.reason.value}
