"""Models are found, refused with a way out, and run in both ways."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from simulst.asr.whisper import (
    BEAM,
    WhisperTranscriber,
    _check_device,
    open_whisper,
)
from simulst.config import Asr
from simulst.errors import ConfigError, ModelError
from simulst.packs import write_manifest
from simulst.protocols import Transcriber
from simulst.types import SAMPLE_RATE, AudioChunk, Window, Word
from tests.asr import tiny
from tests.asr.fakes import sound

START = 5 * SAMPLE_RATE


def tiny_transcriber(folder: Path, run: str = "windowed") -> WhisperTranscriber:
    """The tiny model, which may take anything for speech."""
    return open_whisper(Asr(model=str(folder), run=run, no_speech=1.0))


def window(seconds: float = 2.0, *prefix: Word, seed: int = 0) -> Window:
    """A window of sound that starts at `START`."""
    return Window(AudioChunk(sound(round(seconds * SAMPLE_RATE), seed), START), prefix)


@pytest.mark.parametrize("run", ["windowed", "padded"])
def test_words_are_in_order_and_inside_the_window(tiny_whisper: Path, run: str) -> None:
    """Whatever the model says, words have text, ordered times after the prefix, a probability."""
    transcriber = tiny_transcriber(tiny_whisper, run)
    assert isinstance(transcriber, Transcriber)
    good = Word("Good", START, START + 4000)
    windows = [window(), window(2, good), window(2, good, seed=1), window(1.3, good)]
    heard = transcriber.transcribe(windows)
    assert len(heard) == 4 and heard[0]
    for one, words in zip(windows, heard, strict=True):
        at = good.end if one.prefix else START
        for word in words:
            assert word.text == word.text.strip() != ""
            assert at <= word.start <= word.end <= START + 2 * SAMPLE_RATE
            assert 0 <= word.probability <= 1
            at = word.end


@pytest.mark.parametrize("run", ["windowed", "padded"])
def test_features_do_not_depend_on_the_processors(
    tiny_whisper: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """numpy multiplies on one thread: on two a talk had been heard otherwise than on one."""
    transcriber = tiny_transcriber(tiny_whisper, run)
    threads: list[int] = []
    kind = type(transcriber.model.feature_extractor)
    extract = kind.__call__

    def watched(*args: Any, **more: Any) -> Any:
        pools = threadpool_info()
        threads.extend(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")
        return extract(*args, **more)

    monkeypatch.setattr(kind, "__call__", watched)
    with threadpool_limits(2, user_api="blas"):
        transcriber.transcribe([window()])
    assert threads and set(threads) == {1}


@pytest.mark.parametrize("run", ["windowed", "padded"])
def test_rows_do_not_depend_on_their_neighbours(tiny_whisper: Path, run: str) -> None:
    """A window gives the same words alone, again and in a batch."""
    transcriber = tiny_transcriber(tiny_whisper, run)
    windows = [window(1), window(2.5, seed=2), window(1, seed=3)]
    together = transcriber.transcribe(windows)
    assert together == [transcriber.transcribe([one])[0] for one in windows]
    assert together == transcriber.transcribe(windows)


def test_a_window_that_is_silence_for_the_model_gives_no_words(tiny_whisper: Path) -> None:
    """Above the limit on the no-speech probability nothing is returned."""
    config = Asr(model=str(tiny_whisper), run="windowed", no_speech=1e-12)
    assert open_whisper(config).transcribe([window()]) == [()]


def test_packs_weigh_several_texts(tiny_whisper: Path) -> None:
    """Windowed a beam, padded the likeliest token, unless a width is given; and it is used."""
    config = Asr(model=str(tiny_whisper), run="windowed", no_speech=1.0)
    assert open_whisper(config).beam == BEAM > 1
    assert open_whisper(replace(config, run="padded")).beam == 1
    assert open_whisper(replace(config, run="padded", beam=3)).beam == 3
    greedy, wide = (open_whisper(replace(config, beam=beam)) for beam in (1, 5))
    windows = [window(2, seed=seed) for seed in range(4)]
    assert greedy.transcribe(windows) != wide.transcribe(windows)
    with pytest.raises(ConfigError, match=r"asr\.beam is -1"):
        replace(config, beam=-1)


def test_a_window_too_short_for_a_word_gives_none(tiny_whisper: Path) -> None:
    """Neither an empty window nor one of a few samples reaches the model."""
    transcriber = tiny_transcriber(tiny_whisper)
    assert transcriber.transcribe([window(0), window(0.05)]) == [(), ()]
    assert transcriber.transcribe([]) == []


def test_the_longest_window_and_a_long_prefix_fit(tiny_whisper: Path) -> None:
    """A window of 29.9 s with all the words it can hold is recognised."""
    prefix = [Word("xylophone", START + i * 4000, START + i * 4000 + 3000) for i in range(110)]
    for run in ("windowed", "padded"):
        transcriber = tiny_transcriber(tiny_whisper, run)
        for words in transcriber.transcribe([window(29.9, *prefix), window(1, *prefix[:40])]):
            assert not any("xylophone" in word.text for word in words)


def test_the_decoder_may_stop_right_behind_the_prefix(tmp_path: Path) -> None:
    """Where nothing follows the committed words, nothing is invented to follow them."""
    silent = tiny.build(tmp_path / "silent", silent=True)
    good = Word("Good", START, START + 4000)
    assert tiny_transcriber(silent).transcribe([window(2, good), window()]) == [(), ()]


@pytest.mark.parametrize(("run", "frames"), [("windowed", 201), ("padded", 3000)])
def test_the_encoder_sees_the_window_or_thirty_seconds(
    tiny_whisper: Path, run: str, frames: int
) -> None:
    """Windowed, the encoder works on the window's own length; padded, on 30 s, and only once."""
    transcriber = tiny_transcriber(tiny_whisper, run)
    whisper, shapes = transcriber.model.model, []

    class Spy:
        def __getattr__(self, name: str) -> object:
            return getattr(whisper, name)

        def encode(self, features: Any, **options: object) -> object:
            shapes.append(features.shape)
            return whisper.encode(features, **options)

    transcriber.model.model = Spy()
    transcriber.transcribe([window(2)])
    assert shapes == [[1, 80, frames]]


def as_pack(source: Path, folder: Path, **fields: object) -> Path:
    """A copy of the model with a manifest."""
    shutil.copytree(source, folder)
    write_manifest(folder, "asr", fields)
    return folder


def test_a_pack_says_how_it_runs(tiny_whisper: Path, tmp_path: Path) -> None:
    """Packs trained on windows of any length run windowed, everything else padded."""
    variable = as_pack(tiny_whisper, tmp_path / "variable", window="variable")
    fixed = as_pack(tiny_whisper, tmp_path / "fixed")
    assert not open_whisper(Asr(model=str(variable))).padded
    assert open_whisper(Asr(model=str(variable), run="padded")).padded
    assert open_whisper(Asr(model=str(fixed))).padded
    assert open_whisper(Asr(model=str(tiny_whisper))).padded
    with pytest.raises(ConfigError, match="fixed was trained on windows of 30 s"):
        open_whisper(Asr(model=str(fixed), run="windowed"))


def test_a_pack_is_found_by_name(
    tiny_whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own packs are found by the name of their folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    as_pack(tiny_whisper, tmp_path / "simulst" / "models" / "my-listener", window="variable")
    assert open_whisper(Asr(model="my-listener")).languages == ("en",)
    with pytest.raises(ModelError, match=r"no listener pack 'mylistener'.*my-listener"):
        open_whisper(Asr(model="mylistener"))


def test_a_language_that_is_not_served_is_refused(tiny_whisper: Path, tmp_path: Path) -> None:
    """The message names the language and lists those served, also for many languages."""
    with pytest.raises(ModelError, match="'de'; it serves en: set asr.language"):
        open_whisper(Asr(model=str(tiny_whisper), language="de"))
    many = tiny.build(tmp_path / "many", multilingual=True)
    assert "de" in open_whisper(Asr(model=str(many), language="de")).languages
    with pytest.raises(ModelError, match=r"'xx'; it serves .*de, .*en, "):
        open_whisper(Asr(model=str(many), language="xx"))


def test_a_size_that_is_not_here_is_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Whisper size is only looked for on this machine; the message says how to get it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="Whisper small.en is not .* pull small.en"):
        open_whisper(Asr(model="small.en"))


def test_a_folder_without_a_model_is_refused(tiny_whisper: Path, tmp_path: Path) -> None:
    """A missing folder, a folder without weights and damaged weights are named."""
    with pytest.raises(ModelError, match=r"nowhere is no folder"):
        open_whisper(Asr(model=str(tmp_path / "nowhere")))
    with pytest.raises(ModelError, match=r"model\.bin, config\.json, tokenizer\.json is missing"):
        open_whisper(Asr(model=str(tmp_path)))
    shutil.copytree(tiny_whisper, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.bin").write_bytes(b"\0" * 64)
    with pytest.raises(ModelError, match="damaged cannot be loaded"):
        open_whisper(Asr(model=str(tmp_path / "damaged")))


def test_a_compute_type_that_does_not_exist_is_refused(tiny_whisper: Path) -> None:
    """The message names the compute type and the setting."""
    with pytest.raises(ModelError, match=r"'int3'.*set asr\.compute_type"):
        open_whisper(Asr(model=str(tiny_whisper), compute_type="int3"))


def test_the_number_of_threads_reaches_the_model(
    tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asr.threads and asr.compute_type are what the model is loaded with."""
    seen: dict[str, object] = {}

    def load(path: str, **options: object) -> None:
        seen.update(options)
        raise ValueError("seen enough")

    monkeypatch.setattr("simulst.asr.whisper.WhisperModel", load)
    with pytest.raises(ModelError, match="seen enough"):
        open_whisper(Asr(model=str(tiny_whisper), threads=3, compute_type="int8"))
    assert seen == {"cpu_threads": 3, "compute_type": "int8"}


def test_a_gpu_without_its_libraries_is_reported_at_the_start() -> None:
    """What would fail in the middle of a talk fails at loading, with the way to the CPU."""

    class Broken:
        device, n_mels = "cuda", 80

        def encode(self, features: object, to_cpu: bool) -> None:
            raise RuntimeError("Library libcublas.so.12 is not found")

    class Model:
        model = Broken()

    with pytest.raises(ModelError, match=r"libcublas\.so\.12 .*CUDA_VISIBLE_DEVICES"):
        _check_device(Model())


def test_samples_of_a_window_are_left_as_they_were(tiny_whisper: Path) -> None:
    """Recognition reads the window's samples and does not change them."""
    one = window()
    before = one.audio.samples.copy()
    tiny_transcriber(tiny_whisper, "padded").transcribe([one])
    assert np.array_equal(one.audio.samples, before)


def test_terms_stand_before_the_transcript(
    tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A padded model is told them in its prompt, also behind a prefix, as many as have room."""
    transcriber = tiny_transcriber(tiny_whisper, "padded")
    prompts: list[list[int]] = []
    kind = type(transcriber.model)
    make = kind.get_prompt

    def watched(*args: Any, **more: Any) -> Any:
        prompts.append(make(*args, **more))
        return prompts[-1]

    monkeypatch.setattr(kind, "get_prompt", watched)
    good = Word("Good", START, START + 4000)
    transcriber.transcribe([window(1, good)])
    transcriber.expect([("Otto",), ("New", "Delhi"), *[("word",)] * 200])
    transcriber.transcribe([window(1, good)])
    plain, told = prompts
    tokenizer = transcriber._tokenizer
    assert told[0] == tokenizer.sot_prev and told[-len(plain) :] == plain
    text = tokenizer.decode(told[1 : -len(plain)])
    assert text.startswith(" Otto, New Delhi, word, word")
    assert 100 < len(told) - len(plain) <= 121
