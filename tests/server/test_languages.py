"""Several target languages of one session: asked for at the start, or added by readers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from simulst import batcher
from simulst.conference import Conference
from simulst.server import languages, rounds
from simulst.server.session import Session
from simulst.server.wire.base import Audio, Begin, Dropped, Failed, Given, Mark, News, Opened
from simulst.types import SAMPLE_RATE, Update
from tests.fakes import ScriptedTranscriber
from tests.server.client import Client, Echo, Running, Together, alone, server, sound, texts
from tests.server.test_conductor import conduct
from tests.server.test_session import Clock, Desk
from tests.test_conference import conference, expected, noise, short_words

__all__ = ["short_words"]  # a fixture, for this module too

IN_THE_SECOND_S = 7
"""Of the talk: its second sentence is open then."""


def calls(engine: Conference) -> int:
    """Of the recogniser."""
    heard = engine.ear.listener.transcriber
    assert isinstance(heard, ScriptedTranscriber)
    return heard.calls


def work(one: Session) -> None:
    """Do all that there is to do."""
    while one.due_s is not None:
        task = one.task()
        rounds.compute([task], one.now)
        one.settle(task)


def units(events: Sequence[dict[str, Any]], language: str | None) -> list[tuple[object, ...]]:
    """What was written in a language, but for the clock's part."""
    return [
        (e["index"], e["sentence"], e["text"], e["space"], e["delay_ms"], e["spoken_ms"])
        for event in events
        if event.get("language") == language
        for e in event.get("emissions", ())
    ]


def wanted(target: str) -> list[tuple[object, ...]]:
    """... in a run of the language alone."""
    return [
        (e.index, e.sentence, e.text, e.space, e.delay * 1000 // 16_000, e.spoken * 1000 // 16_000)
        for e in expected(target)[1]
    ]


def test_several_languages_are_as_each_alone() -> None:
    """Events of a language are those of a session with it alone; the sound is recognised once."""
    counts: list[int] = []

    async def run() -> None:
        for start in ({"to": ["zh", "de"]}, {"target": "zh"}, {"target": "de"}):
            engine = conference()
            async with server(engine) as running:
                sessions.append(await running.interpret(noise(), verdicts=True, **start))
            counts.append(calls(engine))

    sessions: list[Client] = []
    asyncio.run(run())
    both, *ones = sessions
    assert counts[0] == counts[1] == counts[2] > 0
    (opened,) = both.of("opened")
    assert (opened["target"], opened["to"]) == ("zh", ["zh", "de"])
    numbers = [update["number"] for update in both.of("update")]
    assert numbers == sorted(set(numbers))
    for target, one in zip(("zh", "de"), ones, strict=True):
        assert units(both.of("update"), target) == units(one.of("update"), None) == wanted(target)
        for name in ("words", "verdicts"):
            mine, its = (
                [each for update in updates for each in update.get(name, ())]
                for updates in (
                    [u for u in both.of("update") if u["language"] == target],
                    one.of("update"),
                )
            )
            assert mine == its and its
        assert one.of("opened")[0]["target"] == target
        assert not any("language" in event or "to" in event for event in one.events)


async def settled(running: Running) -> Session:
    """The one session, once all that was sent to it has been dealt with."""
    (session,) = running.app.sessions.running()
    async with asyncio.timeout(10):
        while session.due_s is not None or session._task is not None:
            await asyncio.sleep(0.01)
    return session


def test_a_reader_adds_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of another language gets the open sentence whole; then the language goes again."""
    monkeypatch.setattr(languages, "LINGER_S", 0.3)
    engine, single = conference(), conference()
    cut = IN_THE_SECOND_S * SAMPLE_RATE

    async def run() -> None:
        async with server(single) as running:
            await running.interpret(noise(), target="de")
        async with server(engine) as running, running.client() as anna:
            await anna.tell("start", rate=SAMPLE_RATE, target="de", resumable=True)
            opened = await anna.until("opened")
            assert opened["offers"] == ["de", "fr", "zh"]
            await anna.hear(noise()[:cut])
            await anna.tell("mark", name="here")
            await anna.until("marked")
            follow = f"/v1/follow?session={opened['follow']}&after=0"
            async with (
                running.client(f"{follow}&to=fr") as french,
                running.client(follow) as german,
            ):
                assert (await french.until("opened"))["target"] == "fr"
                assert (await german.until("opened"))["target"] == "de"
                session = await settled(running)  # it joins without more sound
                assert session.languages.present == ["de", "fr"]
                await anna.hear(noise()[cut:])
                await anna.tell("mark", name="there")
                await anna.until("marked")
                for reader, least in ((french, 6), (german, len(anna.texts()))):
                    while len(reader.texts()) < least:
                        await reader.until("update")
            async with asyncio.timeout(10):
                while session.languages.further:
                    await asyncio.sleep(0.05)
            await anna.tell("finish")
            await anna.until("done")
            assert units(anna.of("update"), None) == wanted("de")
            readers.extend([french, german])

    readers: list[Client] = []
    asyncio.run(run())
    french, german = readers
    assert calls(engine) == calls(single)
    read = units(french.of("update"), None)
    # the policy goes by words: what it writes late is what it would have written before
    whole = [unit for unit in wanted("fr") if unit[1] == 1]
    assert [unit[2] for unit in read] == [unit[2] for unit in whole][: len(read)]
    assert [unit[:2] for unit in read] == [(i, 1) for i in range(len(read))]
    words = [word.get("text") for u in french.of("update") for word in u.get("words", ())]
    assert words[:3] == ["A", "good", "friend"]
    assert units(german.of("update"), None) == wanted("de")[: len(units(german.of("update"), None))]


def test_a_language_waits_for_its_reader_and_counts_on() -> None:
    """It stays for some seconds; when it joins again its units go on counting."""
    clock = Clock()
    one = Session(conference(), Begin(target="de", resumable=True), "", 99, lambda: None, clock)
    one.attach(Desk())

    def hear(first_s: int, last_s: int) -> None:
        one.hear(Audio(noise()[first_s * SAMPLE_RATE : last_s * SAMPLE_RATE], SAMPLE_RATE))
        work(one)

    readers = [Desk() for _ in range(4)]
    one.read_along(readers[0], None, "zh")
    one.read_along(readers[1], None, "zh")
    hear(0, 4)
    one.part(readers[0])
    clock.s += 60
    one.languages.sweep(clock.s)
    assert one.languages.present == ["de", "zh"]  # the other one still reads
    one.part(readers[1])
    clock.s += languages.LINGER_S - 1
    one.languages.sweep(clock.s)
    one.read_along(readers[2], 0, "zh")
    assert readers[2].texts() == readers[1].texts() != []
    clock.s += 60
    one.languages.sweep(clock.s)
    hear(4, 6)
    assert "zh" in one.languages.present
    one.part(readers[2])
    clock.s += languages.LINGER_S
    one.languages.sweep(clock.s)
    assert one.languages.present == ["de"]
    hear(6, 7)
    last = max(news.number for news in readers[2].news if isinstance(news, Given))
    one.read_along(readers[3], last, "zh")
    hear(7, 10)
    one.finish()
    work(one)
    shown = [
        [unit for news in each.news if isinstance(news, Given) for unit in news.update.emissions]
        for each in (readers[2], readers[3])
    ]
    assert [unit.index for each in shown for unit in each] == list(range(sum(map(len, shown))))
    assert {unit.sentence for unit in shown[1]} == {1}


def opened_in(*targets: str, engine: Any, resumable: bool = False) -> tuple[Session, Desk]:
    """A session in some languages, with its client."""
    begin = Begin(target=targets[0], more=targets[1:], resumable=resumable)
    one, desk = Session(engine, begin, "", 99, lambda: None, Clock()), Desk()
    one.attach(desk)
    return one, desk


def written(news: Sequence[News], target: str) -> list[Update]:
    """The updates of a language."""
    return [each.update for each in news if isinstance(each, Given) and each.target == target]


def test_sessions_of_other_languages_in_one_batch() -> None:
    """Sessions in different languages are recognised together, and each gets its own."""
    engine = conference()
    asked = (("de", "zh"), ("fr",), ("zh",), ("fr", "de"))
    pairs = [opened_in(*targets, engine=engine) for targets in asked]
    for one, _ in pairs:
        one.hear(Audio(noise(), SAMPLE_RATE))
        one.finish()
    watch = conduct([one for one, _ in pairs], Clock())
    assert max(map(len, watch.rounds)) == len(pairs)
    for targets, (_, desk) in zip(asked, pairs, strict=True):
        assert {news.target for news in desk.news if isinstance(news, Given)} == set(targets)
        for target in targets:
            found = texts(written(desk.news, target))
            assert found == [unit.text for unit in expected(target)[1]]
        assert desk.left == 1000


def failing() -> tuple[Together, dict[str, Echo]]:
    """French fails on loud sound, German does not."""
    engines = {"de": Echo("de"), "fr": Echo("fr")}
    engines["de"].TROUBLE = 9
    return Together(engines), engines


def test_a_language_that_fails_leaves_the_others() -> None:
    """Of a batch one session loses the language that failed on its sound, and nothing else."""
    engine, _ = failing()
    loud = sound(0.5).copy()
    loud[7_000] = 0.9
    both, desk = opened_in("de", "fr", engine=engine, resumable=True)
    single, alone_desk = opened_in("fr", engine=engine)
    other, other_desk = opened_in("fr", "de", engine=engine)
    reader = Desk()
    both.read_along(reader, None, "fr")
    for one, samples in ((both, loud), (single, loud), (other, sound(0.5))):
        one.hear(Audio(samples, SAMPLE_RATE))
        one.finish()
    watch = conduct([both, single, other], Clock())
    assert watch.failures == [single]
    assert (desk.left, alone_desk.left, other_desk.left) == (1000, 1011, 1000)
    assert texts(written(desk.news, "de")) == texts(alone(engine.booths["de"], loud))
    (dropped,) = [news for news in desk.news if isinstance(news, Dropped)]
    assert dropped.target == "fr" and "trouble" not in dropped.message
    assert isinstance(reader.news[-1], Failed) and reader.left == 1011
    for target in ("fr", "de"):
        assert texts(written(other_desk.news, target)) == texts(alone(Echo(), sound(0.5)))
    again = Desk()
    both.resume(again, 0)
    opened = again.news[0]
    assert isinstance(opened, Opened) and (opened.target, opened.more) == ("de", ())


def test_where_all_languages_fail_the_session_does() -> None:
    """Sound that no language can be made of ends the session, as it does with one language."""
    engine = Together({"de": Echo("de"), "fr": Echo("fr")})
    loud = sound(0.5).copy()
    loud[7_000] = 0.9
    one, desk = opened_in("de", "fr", engine=engine, resumable=True)
    one.hear(Audio(loud, SAMPLE_RATE))
    assert conduct([one], Clock()).failures == [one]
    assert desk.left == 1011 and isinstance(desk.news[-1], Failed)
    again = Desk()
    one.resume(again, 0)
    assert again.left == 1000


def test_a_join_that_fails_is_told_to_its_readers() -> None:
    """A language that cannot be joined is told to who asked, and lost; the session goes on."""
    engine, engines = failing()

    def broken() -> object:
        raise RuntimeError("no memory")

    one, desk = opened_in("de", engine=engine)
    one.hear(Audio(sound(0.5), SAMPLE_RATE))
    work(one)
    engines["fr"].open = broken  # type: ignore[method-assign, assignment]
    reader = Desk()
    one.read_along(reader, None, "fr")
    one.finish()
    watch = conduct([one], Clock())
    assert (watch.failures, desk.left, reader.left) == ([], 1000, 1011)
    assert isinstance(reader.news[-1], Failed) and "memory" not in reader.news[-1].message
    assert one.languages.lost == {"fr"}
    assert desk.texts() == texts(alone(Echo(), sound(0.5)))


def test_a_restart_while_a_language_joins() -> None:
    """What is computed when a session begins again goes nowhere; the reader's language stays."""
    engine, _ = failing()
    one, desk = opened_in("de", engine=engine)
    one.hear(Audio(sound(0.5, 1), SAMPLE_RATE))
    work(one)
    reader = Desk()
    one.read_along(reader, None, "fr")
    task = one.task()
    assert task.joins == ("fr",)
    one.restart()
    (task.result,), _ = batcher.step([task.feed])
    assert one.settle(task) == {}
    before = len(desk.texts())
    one.hear(Audio(sound(0.5), SAMPLE_RATE))
    one.finish()
    conduct([one], Clock())
    assert reader.texts() == desk.texts()[before:] == texts(alone(Echo(), sound(0.5)))
    again = [news for news in reader.news if isinstance(news, Opened)]
    assert [(news.target, news.session) for news in again] == [("fr", "")] * 2


def test_a_mark_before_the_sound_changes_nothing() -> None:
    """What is answered before any sound came does not settle its rate."""
    one, desk = opened_in("de", "fr", engine=failing()[0])
    one.mark(Mark("early"))
    work(one)
    one.hear(Audio(sound(0.5, rate=8_000), 8_000))
    one.finish()
    work(one)
    assert len(texts(written(desk.news, "fr"))) == 5


def test_who_resumes_gets_all_languages() -> None:
    """News of all languages after a number come again in order."""
    engine, _ = failing()
    one, first = opened_in("de", "fr", engine=engine, resumable=True)
    for at in range(0, 8_000, 1_600):
        one.hear(Audio(sound()[at : at + 1_600], SAMPLE_RATE))
        work(one)
    one.cut()
    again = Desk()
    one.resume(again, 3)
    missed = [(n.number, n.target) for n in again.news if isinstance(n, Given)]
    sent = [(n.number, n.target) for n in first.news if isinstance(n, Given)]
    assert missed == sent[3:] and len(sent) == 10
