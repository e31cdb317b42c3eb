"""The shell around the engine: files, clocks, signals, and what fails on the way."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
import soundfile

from simulst import config as configuration
from simulst import interpret
from simulst.accept import rules
from simulst.config import Config
from simulst.emit import jsonl
from simulst.errors import AudioError, ConfigError, OutputError
from simulst.evaluate.session import SessionScores, Summary
from simulst.options import settings
from simulst.pipeline import Interpreter
from simulst.rsft.talks import read_talks
from simulst.session import Session, Stop, VirtualClock, WallClock
from simulst.types import SAMPLE_RATE, AudioChunk, Samples, Update, Word
from tests.fakes import SENTENCES, ScriptedTranscriber, translator

TALK_S = 9


def script() -> list[Word]:
    """Two sentences, a word every 0.4 s."""
    words, at = [], 0.5
    for sentence in SENTENCES[:3:2]:
        for text in sentence.split():
            start = round(at * SAMPLE_RATE)
            words.append(Word(text, start, start + 5600, 0.9))
            at += 0.4
    return words


def engine(config: Config, words: Sequence[Word]) -> Interpreter:
    """The real session over a scripted recogniser and a random translator, without a gate."""
    config = replace(config, audio=replace(config.audio, vad=False))
    return Interpreter(config, ScriptedTranscriber(words), translator(), rules.build(config.accept))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Loading gives the scripted engine; the settings it was asked for are noted."""
    seen: list[Config] = []

    def build(config: Config, target: str) -> Interpreter:
        seen.append(config)
        return engine(config, script())

    monkeypatch.setattr("simulst.pipeline.build", build)
    return seen


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A sound file of nine seconds."""
    path = tmp_path / "talk.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, TALK_S * SAMPLE_RATE)
    soundfile.write(path, noise, SAMPLE_RATE)
    return path


def arguments(*words: object) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser()
    interpret.add_arguments(parser)
    return parser.parse_args([*map(str, words), "--to", "de"])


class Broken:
    """A live source that gives some audio and then meets a misfortune."""

    live, duration = True, None

    def __init__(self, seconds: float, misfortune: BaseException | int) -> None:
        self.seconds, self.misfortune = seconds, misfortune
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[AudioChunk]:
        for start in range(0, round(self.seconds * SAMPLE_RATE), 1600):
            yield AudioChunk(np.full(1600, 0.1, np.float32), start)
        if isinstance(self.misfortune, BaseException):
            raise self.misfortune
        signal.raise_signal(self.misfortune)
        raise AssertionError("the signal did not end the wait")


def test_every_output_gets_the_whole_talk(
    tmp_path: Path, talk: Path, built: list[Config], capsys: pytest.CaptureFixture[str]
) -> None:
    """Captions, text, journal and standard output hold the same translation."""
    outs = [tmp_path / f"talk{suffix}" for suffix in (".srt", ".vtt", ".jsonl", ".txt")]
    flags = [word for out in outs for word in ("--out", out)]
    assert interpret.run(arguments(talk, *flags)) == 0
    emitted = " ".join(e.text for u in jsonl.read(outs[2]) for e in u.emissions)
    assert len(emitted.split()) > 10
    assert " ".join(outs[3].read_text().split()) == emitted
    lines = [x for x in outs[0].read_text().splitlines() if x and "-->" not in x]
    assert " ".join(x for x in lines if not x.isdigit()) == emitted
    shown = capsys.readouterr()
    german = [line[4:] for line in shown.out.splitlines() if line.startswith("de  ")]
    assert " ".join(german) == emitted
    assert "real-time factor" in shown.err


def test_the_journal_says_what_made_it_and_how_it_went(
    tmp_path: Path, talk: Path, built: list[Config]
) -> None:
    """Signature first, verdicts with their numbers between, summary last."""
    out = tmp_path / "talk.jsonl"
    interpret.run(arguments(talk, "--out", out, "--k", 3, "--quiet"))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert (lines[0]["type"], lines[0]["rule"], lines[0]["k_min"]) == ("signature", "ratio", 3)
    verdicts = [verdict for line in lines for verdict in line.get("verdicts", ())]
    assert any(verdict["reason"] == "ratio" and verdict["p"] for verdict in verdicts)
    assert lines[-2]["ended"] is True
    units = sum(len(line.get("emissions", ())) for line in lines)
    assert (lines[-1]["type"], lines[-1]["words"]) == ("summary", units)


def test_a_recorded_session_is_a_talk(tmp_path: Path, talk: Path, built: list[Config]) -> None:
    """--record keeps the sound and the journal of each session, and fine-tuning can read them."""
    for _ in range(2):
        assert interpret.run(arguments(talk, "--record", tmp_path / "kept", "--quiet")) == 0
    folders = sorted((tmp_path / "kept").iterdir())
    assert len(folders) == 2
    for folder in folders:
        assert len(soundfile.read(folder / "audio.flac")[0]) == TALK_S * SAMPLE_RATE
        assert list(jsonl.read(folder / "session.jsonl"))[-1].ended
        assert '"summary"' in (folder / "session.jsonl").read_text().splitlines()[-1]
    sentences = list(read_talks(tmp_path / "kept", "en", "de"))
    assert [s.source for s in sentences] == [*SENTENCES[:3:2]] * 2
    assert sentences[0].talk == f"{folders[0].name}/session"


def test_quiet_says_nothing(
    talk: Path, built: list[Config], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --quiet neither stream gets a line."""
    assert interpret.run(arguments(talk, "--quiet")) == 0
    assert capsys.readouterr() == ("", "")


def test_options_win_over_set_and_set_over_the_file(tmp_path: Path) -> None:
    """The nearer to the user's fingers a setting stands, the more it counts."""
    file = tmp_path / "some.toml"
    file.write_text("seed = 1\n[accept]\nm = 2.0\nk_min = 4\n[asr]\nlanguage = 'fr'\n")
    args = arguments("x.wav", "--config", file, "--set", "accept.m=3.0", "--set", "seed=2")
    config = settings(args)
    assert (config.seed, config.accept.m, config.accept.k_min) == (2, 3.0, 4)
    assert config.asr.language == "fr"
    args = arguments("x.wav", "--config", file, "--set", "seed=2", "--seed", 3, "--accept-m", 0.5)
    assert (settings(args).seed, settings(args).accept.m) == (3, 0.5)


def test_each_option_reaches_its_setting() -> None:
    """No option is read by nobody."""
    config = settings(
        arguments(
            *("x.wav", "--from", "es", "--asr", "small", "--pack", "es-de", "--rule", "la-2"),
            *("--seed", 7, "--accept-m", 0.25, "--k", 2),
        )
    )
    assert (config.asr.language, config.asr.model) == ("es", "small")
    assert (config.translate.pack, config.seed) == ("es-de", 7)
    assert (config.accept.rule, config.accept.m, config.accept.k_min) == ("la-2", 0.25, 2)


def test_broken_lines_of_a_glossary_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has its line on standard error, and the rest is used; a file of no use is refused."""
    path = tmp_path / "terms.tsv"
    path.write_text("house\tHaus\nroad\n\nfriend\t\n")
    assert settings(arguments("x.wav", "--glossary", path)).glossary == str(path)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"simulst: {path}, line 2: 'road' has no tab")
    assert second.startswith(f"simulst: {path}, line 4: 'friend' has no target")
    path.write_text("road\n")
    with pytest.raises(ConfigError, match="holds no term"):
        settings(arguments("x.wav", "--glossary", path))


@pytest.mark.parametrize(("k", "k_max"), [(3, 6), (6, 6), (9, 9)])
def test_k_raises_the_upper_bound_with_it(k: int, k_max: int) -> None:
    """A large k is not refused because of a k_max that nobody named."""
    accept = settings(arguments("x.wav", "--k", k)).accept
    assert (accept.k_min, accept.k_max) == (k, k_max)


@pytest.mark.parametrize("option", ["--rate", "--channels"])
def test_raw_options_go_with_standard_input(talk: Path, option: str) -> None:
    """A file says its own rate; one that is named beside it is refused, not ignored."""
    with pytest.raises(ConfigError, match=f"{option} describes raw samples"):
        interpret.run(arguments(talk, option, 2))


def test_a_microphone_cannot_be_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """--pace fast with a microphone is refused before the models load."""
    monkeypatch.setattr("simulst.audio.sources.open_source", lambda *a, **k: Broken(1, 2))
    with pytest.raises(ConfigError, match="a microphone is always live"):
        interpret.run(arguments("mic", "--pace", "fast"))


def test_outputs_are_checked_before_anything_loads(talk: Path, built: list[Config]) -> None:
    """An unknown suffix costs no waiting for the models."""
    with pytest.raises(OutputError, match="stands for no format"):
        interpret.run(arguments(talk, "--out", "talk.doc"))
    assert built == []


def test_a_file_is_opened_before_anything_loads(built: list[Config]) -> None:
    """A missing source costs no waiting for the models, and no caption file."""
    with pytest.raises(AudioError):
        interpret.run(arguments("missing.wav"))
    assert built == []


def test_nobody_spoke(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without a recognised word is an error and not an empty success."""
    monkeypatch.setattr("simulst.pipeline.build", lambda config, target: engine(config, []))
    with pytest.raises(AudioError, match=r"no speech was recognised in 9 s of audio"):
        interpret.run(arguments(talk, "--quiet"))


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".jsonl", ".txt"])
def test_a_full_disk_ends_the_session_and_spares_the_others(
    tmp_path: Path, talk: Path, built: list[Config], suffix: str
) -> None:
    """The error names the file; what the other output got by then is finished properly."""
    (tmp_path / f"full{suffix}").symlink_to("/dev/full")
    other = tmp_path / "other.vtt"
    with pytest.raises(OutputError, match=f"full{suffix} cannot be written: No space left"):
        interpret.run(
            arguments(talk, "--quiet", "--out", other, "--out", tmp_path / f"full{suffix}")
        )
    assert other.read_text().startswith("WEBVTT\n\n")
    assert other.read_text().endswith("\n\n")


class Failing:
    """A sink whose disk fills up at the second emission."""

    def __init__(self) -> None:
        self.emitted, self.closed = 0, 0

    def write(self, update: Update) -> None:
        self.emitted += len(update.emissions)
        if self.emitted > 1:
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

    @property
    def emissions(self) -> list[str]:
        """Texts of all units."""
        return [each.text for update in self.updates for each in update.emissions]


def audio(seconds: float = TALK_S, packet: int = 1600) -> list[AudioChunk]:
    """Sound in packets."""
    samples: Samples = np.full(round(seconds * SAMPLE_RATE), 0.1, np.float32)
    return [
        AudioChunk(samples[start : start + packet], start)
        for start in range(0, len(samples), packet)
    ]


def session(clock: VirtualClock | WallClock | None = None) -> Session:
    """A session over the scripted engine."""
    using = engine(configuration.Config(), script())
    return Session(using, clock or VirtualClock(), SessionScores())


def test_a_failing_sink_does_not_cost_the_others_an_update() -> None:
    """Both sinks get the update at which one failed, and both are closed once."""
    running, failing, other = session(), Failing(), Collecting()
    running.sinks += [failing, other]
    with Stop() as stop, running.closing():
        running.interpret(audio(), stop)
    assert str(running.failure) == "disk full"
    assert len(other.emissions) == failing.emitted > 1
    assert (failing.closed, other.closed) == (1, 1)
    assert not other.updates[-1].ended


def test_sinks_are_closed_after_a_bug() -> None:
    """An error that nobody foresaw leaves finished files and is not hidden."""
    running, other = session(), Collecting()
    running.sinks.append(other)

    def broken() -> Iterator[AudioChunk]:
        yield from audio(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Stop() as stop, running.closing():
        running.interpret(broken(), stop)
    assert other.closed == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_session_in_order(
    tmp_path: Path,
    built: list[Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    """What was heard is flushed and stored, figures are told, the code names the signal."""
    source, out = Broken(3.0, number), tmp_path / "talk.jsonl"
    monkeypatch.setattr("simulst.audio.sources.open_source", lambda *a, **k: source)
    assert interpret.run(arguments("mic", "--out", out)) == 128 + number
    assert list(jsonl.read(out))[-1].ended
    assert json.loads(out.read_text().splitlines()[-1])["type"] == "summary"
    assert source.closed
    assert "real-time factor" in capsys.readouterr().err


def test_a_second_signal_kills() -> None:
    """After the first signal the next one is left to the system; afterwards all is as before."""
    before = signal.getsignal(signal.SIGINT)
    with Stop() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.signal == signal.SIGINT
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_while_computing_waits_for_the_step() -> None:
    """A step that has begun is finished, its words are kept, and nothing more is read."""
    running, other = session(), Collecting()
    running.sinks.append(other)
    packets = iter(audio())

    class Interrupting(Collecting):
        def write(self, update: Update) -> None:
            if update.emissions and not stop.signal:
                signal.raise_signal(signal.SIGINT)

    running.sinks.append(Interrupting())
    with Stop() as stop, running.closing():
        running.interpret(packets, stop)
    assert other.emissions
    assert other.updates[-1].ended
    assert next(packets, None) is not None


def test_a_source_that_breaks_is_translated_to_its_last_word() -> None:
    """Words heard before a microphone went away are flushed, and the error is kept."""
    whole, running = Collecting(), session()
    running.sinks.append(whole)
    with Stop() as stop, running.closing():
        running.interpret(Broken(4.0, AudioError("unplugged")), stop)
    assert str(running.failure) == "unplugged"
    assert whole.updates[-1].ended
    assert sum(len(update.committed) for update in whole.updates) >= 8


@pytest.mark.parametrize("packet", [160, 1600, 20_000, TALK_S * SAMPLE_RATE])
def test_packets_do_not_change_what_is_written(packet: int) -> None:
    """However the source cuts its audio, emissions and their delays are the same."""
    seen = []
    for size in (packet, 8000):
        running, sink = session(), Collecting()
        running.sinks.append(sink)
        with Stop() as stop, running.closing():
            running.interpret(audio(packet=size), stop)
        seen.append([replace(e, elapsed=None) for u in sink.updates for e in u.emissions])
    assert seen[0] == seen[1]
    assert seen[0]


def test_every_emission_is_stamped_and_never_early() -> None:
    """Elapsed is set, grows, and is no less than the delay."""
    running, sink = session(), Collecting()
    running.sinks.append(sink)
    with Stop() as stop, running.closing():
        running.interpret(audio(), stop)
    units = [each for update in sink.updates for each in update.emissions]
    times = [each.elapsed for each in units if each.elapsed is not None]
    assert len(times) == len(units)
    assert times == sorted(times)
    assert all(time > each.delay for time, each in zip(times, units, strict=True))


def test_the_virtual_clock_waits_for_audio_and_for_the_step_before() -> None:
    """A slow step delays the next ones until the audio is later than they are."""
    clock = VirtualClock()
    assert clock.done(8000, 0.25) == 8000 + 4000
    assert clock.done(16000, 2.0) == 16000 + 32000
    assert clock.done(24000, 0.5) == 48000 + 8000
    assert clock.done(80000, 0.0) == 80000


class Time:
    """A clock that moves only by sleeping and computing."""

    def __init__(self) -> None:
        self.s = 100.0

    def now(self) -> float:
        return self.s

    def sleep(self, s: float) -> None:
        self.s += s


def test_a_file_at_live_pace_is_held_back() -> None:
    """Audio is fed when it would have been spoken; a slow step is not slept away twice."""
    time = Time()
    clock = WallClock(True, time.now, time.sleep)
    clock.wait(8000)
    assert time.s == 100.5
    time.s += 0.75
    assert clock.done(8000, 0.75) == 20_000
    clock.wait(16000)
    assert time.s == 101.25
    clock.wait(24000)
    assert time.s == 101.5


def test_a_microphone_sets_the_clock_by_its_first_audio() -> None:
    """The stream began when its first sample was spoken; nobody sleeps."""
    time = Time()
    clock = WallClock(False, time.now, time.sleep)
    clock.wait(1600)
    assert clock.done(1600, 0.0) == 1600
    time.s += 0.5
    clock.wait(9600)
    assert (time.s, clock.done(9600, 0.0)) == (100.5, 9600)


def test_the_closing_line_leaves_out_what_was_not_measured() -> None:
    """Figures that do not exist are absent, those that do have units."""
    none = Summary(0, 0, 0, None, None, None, None, 0, 0.1)
    assert interpret.closing_line(none) == "0 words in 0 sentences; 0 forced; real-time factor 0.10"
    full = Summary(12, 3, 1, 1500.0, 1740.0, 0.75, 0.5, 2, 0.2)
    assert interpret.closing_line(full) == (
        "12 words in 3 sentences; lag (LAAL) 1.50 s, with computing 1.74 s; "
        "75% written before their sentence ended; 50% of judged tokens accepted; 2 forced; "
        "1 of the sentences without a translation; real-time factor 0.20"
    )
