"""`simulst interpret` into several languages at once: captions, journals, recording, figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst import interpret, packs
from simulst.channels import ChannelSession
from simulst.conference import Conference
from simulst.config import Config
from simulst.emit import jsonl
from simulst.errors import ConfigError, OutputError
from simulst.evaluate.scoring import score_log
from simulst.pipeline import Interpreter
from simulst.protocols import Sink
from simulst.report.talk import read_talk
from simulst.rsft.talks import read_talks
from simulst.session import Stop, VirtualClock
from simulst.translate.storage import save_translator
from simulst.types import SAMPLE_RATE, AudioChunk, Update
from tests.fakes import SENTENCES, translator
from tests.test_conference import alone, conference, noise, short_words

__all__ = ["short_words"]  # a fixture, for this module too

TALK_S = 10


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Loading gives the scripted engines; the languages asked for are noted."""
    seen: list[Sequence[str]] = []

    def several(config: Config, targets: Sequence[str]) -> Conference:
        seen.append(targets)
        engine = conference()
        return Conference(engine.ear, {target: engine.booths[target] for target in targets})

    def one(config: Config, target: str) -> Interpreter:
        seen.append([target])
        return alone(target)

    monkeypatch.setattr("simulst.conference.build", several)
    monkeypatch.setattr("simulst.pipeline.build", one)
    return seen


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A sound file of ten seconds."""
    path = tmp_path / "talk.wav"
    soundfile.write(path, noise(TALK_S), SAMPLE_RATE, subtype="FLOAT")
    return path


def run(*words: object) -> int:
    """`simulst interpret`."""
    parser = argparse.ArgumentParser()
    interpret.add_arguments(parser)
    return interpret.run(parser.parse_args([*map(str, words)]))


def lasting(path: Path) -> list[tuple[object, object, list[object]]]:
    """What a journal keeps, but for the clock's part."""
    return [
        (u.committed, u.verdicts, [(e.text, e.space, e.read, e.delay) for e in u.emissions])
        for u in jsonl.read(path)
    ]


def test_each_language_has_its_files(
    tmp_path: Path, talk: Path, built: list[Sequence[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Captions and journals are one a language, as if each had been run alone."""
    folder = tmp_path / "zh"
    folder.mkdir()
    out = ("--out", tmp_path / "a.srt", "--out", tmp_path / "a.jsonl")
    assert run(talk, "--to", "de,zh", *out, "--out", tmp_path / "b_{lang}.txt") == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        *("a.de.jsonl", "a.de.srt", "a.zh.jsonl", "a.zh.srt", "b_de.txt", "b_zh.txt", "talk.wav")
    ]
    shown = capsys.readouterr()
    for target, space in (("de", " "), ("zh", "")):
        alone_at = folder / f"{target}.jsonl"
        assert run(talk, "--to", target, "--quiet", "--out", alone_at) == 0
        journal = tmp_path / f"a.{target}.jsonl"
        assert lasting(journal) == lasting(alone_at)
        assert jsonl.read_signature(journal) == jsonl.read_signature(alone_at)
        emissions = [e for u in jsonl.read(journal) for e in u.emissions]
        text = space.join(e.text for e in emissions)
        assert (tmp_path / f"b_{target}.txt").read_text().replace("\n", space) == text + space
        lines = [line[4:] for line in shown.out.splitlines() if line.startswith(f"{target}  ")]
        assert space.join(lines) == text
        (closing,) = (line for line in shown.err.splitlines() if line.startswith(f"{target}  "))
        count = len("".join(text.split())) if space == "" else len(text.split(" "))
        assert closing.startswith(f"{target}  {count} {'words' if space else 'characters'} in 2")
    assert built == [("de", "zh"), ["de"], ["zh"]]
    assert shown.err.count("target zh") == 1


def test_a_chinese_journal_goes_the_whole_way(
    tmp_path: Path, talk: Path, built: list[Sequence[str]]
) -> None:
    """Scores and report of a session without spaces are in characters, and agree."""
    assert run(talk, "--to", "zh", "--quiet", "--out", tmp_path / "a.jsonl") == 0
    (tmp_path / "ref.txt").write_text("老房子在路的尽头。\n好朋友比钱更重要。\n", encoding="utf-8")
    score = score_log(tmp_path / "a.jsonl", reference=tmp_path / "ref.txt")
    assert score.quality is not None and score.latency is not None and score.summary is not None
    assert "tok:zh" in score.quality.bleu_signature
    assert all(i.character and len(i.delays) == len(i.prediction) for i in score.instances)
    assert score.summary.words == sum(len(i.delays) for i in score.instances)
    shown = read_talk(tmp_path / "a.jsonl")
    assert shown.count(shown.units) == score.summary.words
    closing = json.loads((tmp_path / "a.jsonl").read_text().splitlines()[-1])
    assert closing["laal_ms"] == pytest.approx(score.latency.laal)
    assert closing["words"] == score.summary.words


def test_a_recording_keeps_the_sound_once(
    tmp_path: Path, talk: Path, built: list[Sequence[str]]
) -> None:
    """One folder holds sound and a journal a language, and fine-tuning reads it once for each."""
    assert run(talk, "--to", "de,fr", "--record", tmp_path / "kept", "--quiet") == 0
    (folder,) = (tmp_path / "kept").iterdir()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["audio.flac", "session.de.jsonl", "session.fr.jsonl"]
    assert len(soundfile.read(folder / "audio.flac")[0]) == TALK_S * SAMPLE_RATE
    for target in ("de", "fr"):
        journal = folder / f"session.{target}.jsonl"
        assert jsonl.read_summary(journal)["words"] > 0
        sentences = list(read_talks(tmp_path / "kept", "en", target))
        assert [(s.talk, s.source) for s in sentences] == [
            (f"{folder.name}/session", text) for text in SENTENCES[:3:2]
        ]


def test_what_cannot_be_is_refused_before_anything_loads(
    tmp_path: Path, talk: Path, built: list[Sequence[str]]
) -> None:
    """Languages named twice, two files of one name, and speech in two languages."""
    with pytest.raises(ConfigError, match="name each language once"):
        run(talk, "--to", "de,de")
    same = ("--out", tmp_path / "a.srt", "--out", tmp_path / "a.{lang}.srt")
    with pytest.raises(OutputError, match=r"a\.de\.srt is named twice"):
        run(talk, "--to", "de,fr", *same)
    with pytest.raises(OutputError, match="stands for no format"):
        run(talk, "--to", "de,fr", "--out", "/")
    with pytest.raises(ConfigError, match="speech is of one language"):
        run(talk, "--to", "de,fr", "--speak-to", tmp_path / "a.wav")
    assert built == []


class Failing:
    """A sink whose disk fills up at once."""

    def __init__(self) -> None:
        self.closed = 0

    def write(self, update: Update) -> None:
        raise OutputError("disk full")

    def close(self) -> None:
        self.closed += 1


class Collecting:
    """A sink that keeps every update."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.closed = 0

    def write(self, update: Update) -> None:
        self.updates.append(update)

    def close(self) -> None:
        self.closed += 1


def audio() -> Iterator[AudioChunk]:
    """Sound in packets."""
    samples = np.full(TALK_S * SAMPLE_RATE, 0.1, np.float32)
    for start in range(0, len(samples), 1600):
        yield AudioChunk(samples[start : start + 1600], start)


def test_one_languages_disk_costs_the_others_no_update() -> None:
    """A failure ends the session, after every channel got the step; all are closed once."""
    session = ChannelSession(conference(), VirtualClock())
    failing, others = Failing(), [Collecting(), Collecting()]
    sinks: list[Sink] = [failing, *others]
    for channel, sink in zip(session.channels, sinks, strict=True):
        channel.sinks.append(sink)
    with Stop() as stop, session.closing():
        session.interpret(audio(), stop)
    assert str(session.failure) == "disk full"
    assert [len(sink.updates) for sink in others] == [1, 1]
    assert [failing.closed, *(sink.closed for sink in others)] == [1, 1, 1]


def test_emissions_are_stamped_for_all_alike() -> None:
    """Every unit has the time when it could be read, which is one and the same in a step."""
    session = ChannelSession(conference(), VirtualClock())
    sinks = [Collecting() for _ in session.channels]
    for channel, sink in zip(session.channels, sinks, strict=True):
        channel.sinks.append(sink)
    with Stop() as stop, session.closing():
        session.interpret(audio(), stop)
    for step in zip(*(sink.updates for sink in sinks), strict=True):
        times = {e.elapsed for update in step for e in update.emissions}
        assert len(times) <= 1
        assert None not in times
    assert sum(len(u.emissions) for u in sinks[0].updates) > 10


def test_two_languages_with_real_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packs that ship and a tiny one beside them: each journal is that of a run alone."""
    talk = Path(__file__).parent.parent / "demos" / "talk" / "audio.flac"
    samples, rate = soundfile.read(talk, frames=6 * SAMPLE_RATE, dtype="float32")
    soundfile.write(tmp_path / "talk.wav", samples, rate, subtype="FLOAT")
    tiny = translator(7)
    save_translator(tmp_path / "en-fr", tiny.model, tiny.vocabulary, "en", "fr")
    shipped = packs.folders()
    monkeypatch.setattr(packs, "folders", lambda: [tmp_path, *shipped])
    for to in ("de,fr", "de", "fr"):
        out = tmp_path / ("both.jsonl" if "," in to else f"{to}.jsonl")
        assert run(tmp_path / "talk.wav", "--to", to, "--quiet", "--out", out) == 0
    for target in ("de", "fr"):
        together = lasting(tmp_path / f"both.{target}.jsonl")
        assert together == lasting(tmp_path / f"{target}.jsonl")
        assert sum(len(units) for _, _, units in together) > 3
