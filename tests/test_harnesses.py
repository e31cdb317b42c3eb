"""The agents and the processor in the harnesses that they are written for.

SimulEval and simulstream are not needed by simulst: without them these tests are skipped.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from demos import library
from simulst.accept import rules
from simulst.config import load
from simulst.corpus import Pair
from simulst.evaluate.simulate import simulate
from simulst.pipeline import build
from simulst.translate.policy import Policy
from simulst.translate.storage import open_translators
from simulst.types import Samples

DEMOS = Path(library.__file__).parent
PAIRS = [
    Pair("a man in an orange hat is looking at something", "ein Mann sieht etwas an"),
    Pair("two dogs run on the grass", "zwei Hunde laufen über das Gras"),
]


@pytest.fixture
def talk(tmp_path: Path) -> tuple[Path, Samples]:
    """The first eight seconds of the sample talk."""
    samples, rate = soundfile.read(library.TALK, dtype="int16", frames=8 * 16_000)
    soundfile.write(tmp_path / "talk.wav", samples, rate, subtype="PCM_16")
    return tmp_path / "talk.wav", samples.astype(np.float32) / 2**15


def interpreted(samples: Samples) -> tuple[list[str], list[float]]:
    """The words of our own engine, each with its delay in milliseconds."""
    interpreter = build(load(), "de")
    ((state, first),) = interpreter.step([interpreter.open()], [samples[:0]])
    emissions = list(first.emissions)
    for piece in (*np.split(samples, range(8000, len(samples), 8000)), None):
        ((state, update),) = interpreter.step([state], [piece])
        emissions += update.emissions
    return [e.text for e in emissions], [e.delay / 16 for e in emissions]


def simuleval(
    monkeypatch: pytest.MonkeyPatch, folder: Path, agent: str, source: str, target: str
) -> list[dict[str, Any]]:
    """SimulEval's log of an agent that its command line has run."""
    pytest.importorskip("simuleval", reason="SimulEval is not installed: pip install simuleval")
    from simuleval.cli import main
    from simuleval.utils import agent as registry

    monkeypatch.setattr(registry, "EVALUATION_SYSTEM_LIST", registry.EVALUATION_SYSTEM_LIST)
    registry.EVALUATION_SYSTEM_LIST.clear()
    (folder / "source").write_text(source, encoding="utf-8")
    (folder / "target").write_text(target, encoding="utf-8")
    options = {
        "--agent": DEMOS / "simuleval_agent.py",
        "--agent-class": f"agents.{agent}",
        "--to": "de",
        "--source": folder / "source",
        "--target": folder / "target",
        "--source-segment-size": 500 if agent == "Speech" else 1,
        "--output": folder / "out",
    }
    given = [str(word) for option in options.items() for word in option]
    monkeypatch.setattr(sys, "argv", ["simuleval", *given, "--no-scoring"])
    main()
    lines = (folder / "out" / "instances.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_simuleval_hears_what_interpret_says(
    talk: tuple[Path, Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The speech agent's words and delays are those of the engine at steps of 500 ms."""
    path, samples = talk
    (found,) = simuleval(monkeypatch, tmp_path, "Speech", f"{path}\n", "egal\n")
    words, delays = interpreted(samples)
    assert found["prediction"].split() == words and len(words) > 10
    assert found["delays"] == delays


def test_simuleval_reads_what_evaluate_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text agent's words and delays are those of `simulst evaluate` on the same text."""
    source = "".join(pair.source + "\n" for pair in PAIRS)
    target = "".join(pair.target + "\n" for pair in PAIRS)
    found = simuleval(monkeypatch, tmp_path, "Text", source, target)
    config = load()
    translator, verifier, _ = open_translators(config, "de")
    acceptor = rules.build(config.accept)
    rest = (config.accept, config.translate, config.seed, verifier)
    expected = simulate(Policy(translator, acceptor, *rest), PAIRS, translator.space).instances
    assert [(f["prediction"], tuple(f["delays"])) for f in found] == [
        (e.prediction, e.delays) for e in expected
    ]


def test_simulstream_hears_what_interpret_says(talk: tuple[Path, Samples]) -> None:
    """Its inference gives a session's words in order, deletes none, and begins the next anew."""
    pytest.importorskip(
        "simulstream", reason="simulstream is not installed: pip install simulst[clients]"
    )
    from simulstream.client.wav_reader_client import read_wav_file
    from simulstream.server.message_processor import MessageProcessor
    from simulstream.server.speech_processors import build_speech_processor

    path, samples = talk
    kind = "demos.simulstream_processor.Interpreter"
    config = SimpleNamespace(type=kind, speech_chunk_size=0.5, target="de")
    processor = build_speech_processor(config)
    rate, data = read_wav_file(str(path))
    words, _ = interpreted(samples)
    for number in range(2):
        told = MessageProcessor(number, processor)
        told.process_metadata({"sample_rate": rate, "target_lang": "de", "source_lang": "en"})
        outputs = [
            told.process_speech(data[i : i + 4000].tobytes()) for i in range(0, len(data), 4000)
        ]
        outputs.append(told.end_of_stream())
        given = [output for output in outputs if output]
        assert "".join(output.new_string for output in given).split() == words
        assert not any(output.deleted_tokens for output in given)
    with pytest.raises(Exception, match="the language is it, the engine's de"):
        processor.set_target_language("it")
