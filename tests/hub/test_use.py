"""What was pulled is used by name, with the network out of reach, and described."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from simulst import config, packs
from simulst.asr.opening import open_transcriber
from simulst.cli import main
from simulst.errors import ModelError
from simulst.hub.pull import pull
from simulst.protocols import TrainableSeq2Seq
from simulst.rsft.opening import facts_of, open_model, open_policy, weights_of
from simulst.translate.huggingface import HuggingFaceSeq2Seq
from simulst.translate.storage import open_translators
from tests.hub.conftest import MARIAN, WHISPER
from tests.hub.stub import COMMIT, StubHub
from tests.test_cli import sound


@pytest.fixture
def pulled(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> StubHub:
    """Both models are here, and whoever connects to anything fails."""
    pull(WHISPER)
    pull(MARIAN)
    hub.asked.clear()

    def forbidden(self: socket.socket, address: object) -> None:
        raise AssertionError(f"connected to {address!r}")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr("simulst.translate.units.LONGEST_UNIT", 3)
    return hub


def test_interpret_offline(
    pulled: StubHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`simulst interpret` hears with one and translates with the other; the log names both."""
    path = sound(tmp_path / "noise.wav", 1.5)
    words = [
        "--to",
        "de",
        "--asr",
        "small",
        "--translator",
        MARIAN,
        "--out",
        str(tmp_path / "o.jsonl"),
    ]
    limits = ["audio.vad=false", "translate.max_ratio=0.2", "translate.max_extra=2"]
    options = [word for limit in limits for word in ("--set", limit)]
    assert main(["interpret", str(path), *words, *options]) == 0
    assert pulled.asked == []
    log = (tmp_path / "o.jsonl").read_text()
    assert f"{MARIAN}@{COMMIT[:12]}" in log
    assert '"emission"' in log or '"text"' in log


def test_opened_by_every_name(pulled: StubHub, cache: Path) -> None:
    """Short name, name on the hub, folder and language pair lead to the same translator."""
    names = ["opus-mt-en-de", MARIAN, str(cache / MARIAN), f"hf:{MARIAN}@en-de"]
    found = [
        open_translators(config.load(None, [f"translate.pack={name}"]), "de")[0] for name in names
    ]
    assert len({translator.vocabulary_id for translator in found}) == 1
    for name in ("small", WHISPER, str(cache / WHISPER)):
        assert "en" in open_transcriber(config.load(None, [f"asr.model={name}"]).asr).languages


def test_fine_tuning_starts_from_it(pulled: StubHub) -> None:
    """RSFT opens the pulled translator as a policy that can learn, by the same names."""
    for name in ("opus-mt-en-de", MARIAN, f"hf:{MARIAN}"):
        policy = open_policy(name)
        assert isinstance(policy, HuggingFaceSeq2Seq)
        assert isinstance(policy, TrainableSeq2Seq)
        assert facts_of(name)["license"] == "cc-by-4.0"
    assert open_model(MARIAN).vocabulary_id == policy.vocabulary_id
    assert weights_of(MARIAN) == weights_of(f"hf:{MARIAN}")


def test_another_pair_is_refused(pulled: StubHub) -> None:
    """A translator of one pair that is asked for another says which it serves."""
    with pytest.raises(ModelError, match="translates en to de, not en to fr"):
        open_translators(config.load(None, [f"translate.pack={MARIAN}"]), "fr")


def test_listed_and_shown(pulled: StubHub, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The list has what is here and what could be; a model's page has its facts and its card."""
    assert main(["models", "list"]) == 0
    here, could = capsys.readouterr().out.split("can be pulled")
    assert MARIAN in here
    assert "en to de" in here
    assert "listen-en" in here
    assert "large-v3-turbo" in could
    assert "cc-by-nc-4.0" in could  # NLLB's
    assert "opus-mt-en-de " not in could
    assert main(["models", "show", "opus-mt-en-de"]) == 0
    shown = capsys.readouterr().out
    for fact in (
        MARIAN,
        COMMIT,
        "transformers",
        "cc-by-4.0",
        str(cache),
        "| # A card",
        "vocab.json",
    ):
        assert fact in shown
    assert "license: x" not in shown
    (cache / MARIAN / "vocab.json").write_text("{}")
    assert main(["models", "show", MARIAN]) == 2
    damaged = capsys.readouterr()
    assert "vocab.json is damaged" in damaged.err
    assert "state      damaged" in damaged.out
    assert main(["models", "show", "large-v3"]) == 0
    assert "simulst models pull large-v3" in capsys.readouterr().out


def test_what_was_not_pulled(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A known name that is not here is refused with the command that fetches it."""
    for name in ("opus-mt-en-xx", "facebook/nllb-200-distilled-600M"):
        with pytest.raises(ModelError, match=f"simulst models pull {name}"):
            open_translators(config.load(None, [f"translate.pack={name}"]), "de")
    with pytest.raises(ModelError, match="simulst models pull large-v3-turbo"):
        open_transcriber(config.load(None, ["asr.model=large-v3-turbo"]).asr)
    assert not cache.exists()
    assert packs.cache_folder() == cache
